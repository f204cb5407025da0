"""Geometry and quadrature for domains."""
