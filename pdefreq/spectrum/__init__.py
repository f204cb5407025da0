"""Frequency measurement: mode families, rates of convergence, and the bias index."""
