"""Trial spaces: sets of functions that are represented by coefficient vectors."""
