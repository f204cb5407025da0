"""Meshes of domains: files, generation, refinement."""
