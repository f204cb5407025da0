"""Frequencies: mode families, rates of convergence, and the bias index. Tensors in and out."""
