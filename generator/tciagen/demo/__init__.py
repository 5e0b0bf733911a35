"""The whole way once, as `make` runs it: archive, crawl, generate, import, query, download."""
