"""What the embedded Postgres is told: its settings, and who may come in.

Pure text.  The files are written anew at each start; what a person sets by
`ALTER SYSTEM` stands in `postgresql.auto.conf`, which Postgres reads after these.
"""

SUPERUSER = "postgres"
OWNER, APP, FOLLOWER = "tabellion_owner", "tabellion_app", "tabellion_follower"
DATABASE = "tabellion"
PORT = 5432  # only a part of the socket's file name: no TCP port is opened

# The figures are for two cores and 1 GB of memory or more, beside our own process.
SETTINGS = """\
# Written by tabellion at each start; use ALTER SYSTEM for settings of your own.
listen_addresses = ''
unix_socket_directories = '.'
unix_socket_permissions = 0700
port = 5432
max_connections = 100
superuser_reserved_connections = 3

fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = pglz
wal_buffers = 16MB
min_wal_size = 512MB
max_wal_size = 2GB
checkpoint_timeout = 15min

# what was filled a moment ago is planned for as what it is
autovacuum_naptime = 15s

shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
jit = off
# one schema a workspace: a dump or a replay of all of them holds many locks
max_locks_per_transaction = 256
max_logical_replication_workers = 0

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d '
log_checkpoints = off
"""

# The kernel tells who is at the other end of the socket.  Passwords could leak; a
# user id cannot.
ADMISSION = f"""\
# Written by tabellion at each start.
local  all          {SUPERUSER}  peer map=tabellion
local  {DATABASE}   all          peer map=tabellion
"""


def identities(users: set[str]) -> str:
    """The map that lets each of `users` of the machine in as any database role."""
    lines = [f'tabellion  "{user}"  all\n' for user in sorted(users)]
    return "# Written by tabellion at each start.\n" + "".join(lines)
