"""Frequencies: families of modes, rates of convergence, and the bias index. Tensors in and out."""
