"""Runs: the spec, the loop, the records, the run folder, and the solution."""
