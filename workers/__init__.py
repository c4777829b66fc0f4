"""Everything after the commit: late, repeatable, and never in the way of a write."""
