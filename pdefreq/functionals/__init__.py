"""Functionals: the objectives that methods minimize."""
