"""The doors: what a client sees of the ledger, one folder a surface."""
