"""A package for the clients of these tests to be of."""
