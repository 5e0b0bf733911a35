"""Comparison of two contracts by meaning."""
