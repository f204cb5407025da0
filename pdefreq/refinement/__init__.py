"""Refinement as an axis: one method on finer and finer discretizations."""
