"""One run: its spec, the loop, what is recorded and stored, and the solution."""
