"""What touches the world: records, rulebooks, notices."""
