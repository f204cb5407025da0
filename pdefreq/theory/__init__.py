"""Theoretical predictions for each frequency. The functions take and return tensors; no solver is imported here."""
