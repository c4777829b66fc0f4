"""The public API: entries that anybody may read.

asked        what the query of a list asks
handlers     a reply from memory while nothing was written, else made
past         the same as of a moment
bodies       replies' bodies: entries, and what is said of their type
sanitising   HTML that leaves, cleaned
tags         what a client says it has
"""
