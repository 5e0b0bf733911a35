"""How the contract looks in Python: names, types, texts and docstrings."""
