"""Table REST: the records of PyBase, read by names in a URL."""
