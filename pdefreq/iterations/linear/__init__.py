"""Iterations for linear systems of equations."""
