"""Probes: what is measured along a run."""
