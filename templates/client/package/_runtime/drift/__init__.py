"""Compares what a server declares and sends with the contract of the package."""
