"""Reports of runs as single HTML files."""
