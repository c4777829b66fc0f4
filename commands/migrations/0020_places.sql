-- Where each workspace's ledger stands, outside of row-level security: nothing of a
-- tenant's content, and asked by whatever anybody may read before it is known whether
-- that moved.  {app} stands for the role's name.

CREATE VIEW ledger.places AS SELECT workspace_id, seq, catalog_seq FROM ledger.heads;
GRANT SELECT ON ledger.places TO {app};
