"""Callbacks of other packages that call a `Monitor`. Each module needs the package of its name."""
