"""Iterations: how a method lowers its functional, one step at a time."""
