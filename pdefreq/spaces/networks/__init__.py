"""Neural networks as trial spaces."""
