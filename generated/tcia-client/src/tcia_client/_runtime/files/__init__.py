"""Files of an answer: fetched, unpacked, checked, and whole under their name or not there."""
