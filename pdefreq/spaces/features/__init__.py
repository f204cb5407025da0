"""Spaces of features: concatenations of families of functions."""
