"""Fourier and sine series and polynomials on boxes."""
