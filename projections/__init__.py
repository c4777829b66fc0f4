"""The read side: how facts become rows, and how rows are read."""
