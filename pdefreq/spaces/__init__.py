"""Trial spaces: where an iterate lives, and how a coefficient vector becomes a function."""
