"""Geometry and quadrature from which domains are made."""
