"""Functionals: what a method lowers."""
