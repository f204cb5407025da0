"""Iterations that train networks."""
