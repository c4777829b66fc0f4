-- Programs of users that follow the log, and the events that they bring along
-- (commands/recorder).  {app} and {follower} stand for the roles' names.

-- The workspace of those events (domain.ids.FOREIGN); it has no catalogue.
SELECT set_config('app.workspaces', '{{00000000-0000-0000-0000-000000000001}}', true);
INSERT INTO ledger.heads (workspace_id, seq, catalog_seq, hash, recorded_at)
VALUES ('00000000-0000-0000-0000-000000000001', 0, 0, decode(repeat('00', 32), 'hex'), 'epoch');

-- What such programs make of the log is in tables of their own, made by the follower's
-- role beside its position, so that both move in one transaction.
CREATE SCHEMA projected;
GRANT USAGE, CREATE ON SCHEMA projected TO {follower};
