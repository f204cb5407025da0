"""One run: its specification, the loop, the recorder, the run folder and the solution."""
