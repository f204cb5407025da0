"""Finite element spaces and their weak forms."""
