"""Figures, drawn from histories and arrays; the only place that imports matplotlib."""
