"""Series and polynomials on boxes."""
