"""Regenerate on change: crawl, compare, generate, version, changelog, tests, in one step."""
