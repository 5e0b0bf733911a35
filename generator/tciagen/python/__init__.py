"""The contract in Python: names, types, strings and docstrings."""
