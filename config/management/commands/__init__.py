"""Commands of the whole installation, one per file."""
