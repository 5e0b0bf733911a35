"""What a server really sends, held against what its metadata claims."""
