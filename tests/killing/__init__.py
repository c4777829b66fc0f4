"""Processes that are killed while clients write, and what those were promised.

server     the real process, its cluster, workers, and the ways to kill them
clients    writers that note an intent before and an outcome after each request
promises   what must hold of the ledger when all is quiet again
recipient  a receiver of webhooks, and in what order what came
told       what must hold of deliveries
deaths     how often who is killed, from one seed
"""
