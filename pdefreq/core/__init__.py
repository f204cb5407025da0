"""Basic modules used by all other packages: errors, options, files, fields, history."""
