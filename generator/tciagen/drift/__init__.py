"""Drift: what changed between two contracts, what it breaks, and what to do about it."""
