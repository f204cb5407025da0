"""Questions that take several runs, or theory alone."""
