-- Who follows has what waits for a webhook that is over looked at now (`stir` in
-- workers/deliveries/rows.py), instead of at its next try.
-- {app} and {follower} stand for the roles' names.

GRANT UPDATE (due_at) ON hooks.deliveries TO {follower};
