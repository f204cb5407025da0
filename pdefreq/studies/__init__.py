"""Studies: comparisons, refinement studies and predictions."""
