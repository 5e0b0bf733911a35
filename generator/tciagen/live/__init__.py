"""Comparison of a server's rows with its metadata."""
