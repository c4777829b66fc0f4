"""A server that is killed while clients write, and what they were promised.

server     the real process, its cluster, and the ways to kill them
clients    writers that note an intent before and an outcome after each request
promises   what must hold of the ledger when all is quiet again
"""
