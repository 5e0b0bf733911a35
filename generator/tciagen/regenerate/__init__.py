"""Regeneration in one step: crawl, compare, generate, version, changelog, tests."""
