"""The write side: the only writer, the use cases, and what wires them."""
