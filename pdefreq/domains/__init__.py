"""Domains: where a problem is posed, and the points that sample it."""
