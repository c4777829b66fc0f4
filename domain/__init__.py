"""What the ledger's facts mean: names, wishes, rules.  Pure, stdlib only."""
