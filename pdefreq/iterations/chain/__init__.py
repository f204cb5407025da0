"""Two iterations in a row as one."""
