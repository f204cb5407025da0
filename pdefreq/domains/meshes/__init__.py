"""Meshes of domains: files, generators, refinement."""
