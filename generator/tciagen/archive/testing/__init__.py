"""Servers with faults or changed documents, and synthetic catalogs, for tests."""
