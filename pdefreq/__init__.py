"""pdefreq demonstrates, predicts and removes frequency bias in PDE solvers."""

__version__ = "0.1.0"
