"""Uniform grids and finite differences."""
