"""Notices: one constant sentence for each urgency, through one channel a file."""
