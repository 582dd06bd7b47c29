"""What Safeconduct costs over bare Temporal, measured side by side."""
