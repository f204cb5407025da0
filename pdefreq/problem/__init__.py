"""Boundary value problems, independent of the methods that solve them."""
