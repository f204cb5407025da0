"""Nodal values on uniform grids, and finite differences."""
