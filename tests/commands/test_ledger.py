"""The ledger itself: its chain, who may do what to it, and what is never in it."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from commands import accounts
from commands.embedded import DatabaseUrls
from commands.schema import NewField
from commands.system import System, new_id, now, time_text
from commands.unit import Once, Origin, Outcome, Reply
from commands.write import Prepared, submit_to_instance
from domain.errors import SecretAlreadyShown
from domain.events import Actor
from domain.ids import UserId
from domain.user import ChangeProfile, RegisterUser
from projections.postgres import connect
from projections.target import live
from tests.commands.tenant import Tenant, field_id

SEE = "SELECT set_config('app.workspaces', %s, %s)"


# ---------------------------------------------------------------- the chain


def _recomputed(tenant: Tenant) -> list[str]:
    """Each event's hash, by what the documentation says and nothing of ours."""
    events = tenant.rows(
        "SELECT e.id::text, type, schema, e.workspace_id::text, seq, stream_id::text,"
        " version, batch_id::text, seq - first_seq, last_seq - first_seq + 1,"
        " actor::text, actor_kind, surface, request_id, causation_id::text,"
        " correlation_id::text,"
        " to_char(e.recorded_at AT TIME ZONE 'UTC',"
        ' \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\'),'
        " data FROM ledger.events AS e JOIN ledger.batches AS b"
        " ON e.workspace_id = b.workspace_id AND seq BETWEEN first_seq AND last_seq"
        " ORDER BY seq"
    )
    previous, hashes = bytes(32), []
    for *envelope, data in events:
        header = [
            *envelope[:10],
            {"id": envelope[10], "kind": envelope[11]},
            *envelope[12:],
        ]
        text = json.dumps(
            header, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        previous = hashlib.sha256(previous + text.encode() + data).digest()
        hashes.append(previous.hex())
    return hashes


def test_the_chain_is_what_the_documentation_says(tenant: Tenant):
    table = tenant.unique(
        tenant.table("name", NewField("price", "number"), NewField("day", "date")),
        "name",
    )
    values = {"name": 'Zoë "quoted" \\ \n\t\x01 𝄞 ', "price": 0.1, "day": "2024-02-29"}
    ids = tenant.create(table, values, *({"name": f"n{n}"} for n in range(20)))
    tenant.do(tenant.updating(table, {ids[0]: {"price": 1e-7}}))
    tenant.do(tenant.updating(table, {ids[0]: {"price": 1e-7}}))  # nothing changes
    tenant.do(tenant.deleting(table, *ids[:5]))

    stored = tenant.rows("SELECT encode(hash, 'hex') FROM ledger.events ORDER BY seq")

    assert [row[0] for row in stored] == _recomputed(tenant)
    head = tenant.rows("SELECT encode(hash, 'hex') FROM ledger.heads")
    assert head == [stored[-1]]


def test_an_origin_with_all_it_can_have_is_in_the_chain(tenant: Tenant):
    table = tenant.table("name")
    unit = tenant.unit(tenant.creating(table, {"name": "x"}))
    cause, whole = new_id(), new_id()
    origin = replace(
        unit.origin, request_id='réq "1"', causation_id=cause, correlation_id=whole
    )
    tenant.committer.submit_and_wait(replace(unit, origin=origin))

    envelope = tenant.envelopes()[-1]
    assert (envelope.causation_id, envelope.correlation_id) == (cause, whole)
    assert envelope.request_id == 'réq "1"'
    stored = tenant.rows("SELECT encode(hash, 'hex') FROM ledger.events ORDER BY seq")
    assert [row[0] for row in stored] == _recomputed(tenant)


def test_the_bytes_are_canonical_json_with_decimals_as_strings(tenant: Tenant):
    table = tenant.table(
        "name", NewField("price", "number"), NewField("done", "checkbox")
    )
    name, price, done = (field_id(table, one) for one in ("name", "price", "done"))
    values = {"name": "Zoë", "price": 29.10, "done": True}
    (record,) = tenant.create(table, values)

    data = bytes(
        tenant.rows("SELECT data FROM ledger.events ORDER BY seq DESC LIMIT 1")[0][0]
    )

    expected = {name: '"Zoë"', price: '"29.1"', done: "true"}
    inner = ",".join(f'"{key}":{expected[key]}' for key in sorted(expected))
    assert data.decode() == (
        f'{{"links":{{}},"number":1,"table_id":"{table.id}","values":{{{inner}}}}}'
    )
    assert record not in data.decode()  # the stream is in the header


def test_a_batch_without_events_does_not_disturb_the_envelopes_around_it(
    tenant: Tenant,
):
    """It lies at the position of the batch before it, and is younger on the disk."""
    table = tenant.table("name")
    (record,) = tenant.create(table, {"name": "Ada"})
    before = tenant.envelopes()
    tenant.do(tenant.updating(table, {record: {"name": "Ada"}}))
    with tenant.seeing() as connection:  # as when a key is forgotten after a day
        connection.execute(
            "UPDATE ledger.batches SET key = batch_id WHERE first_seq <= last_seq"
        )

    after = tenant.envelopes()

    assert [(one.batch_id, one.batch_index) for one in after] == [
        (one.batch_id, one.batch_index) for one in before
    ]


def test_batches_have_first_and_last_position_and_cover_every_event(tenant: Tenant):
    table = tenant.table("name")
    start = tenant.position()
    tenant.create(table, {"name": "a"}, {"name": "b"}, {"name": "c"})
    tenant.do(tenant.updating(table, {}))
    tenant.create(table, {"name": "d"})

    ranges = tenant.rows(
        "SELECT first_seq, last_seq FROM ledger.batches WHERE first_seq > %s"
        " ORDER BY first_seq, last_seq",
        start,
    )
    assert ranges == [
        (start + 1, start + 3),
        (start + 4, start + 3),  # nothing changed
        (start + 4, start + 4),
    ]


def test_a_key_is_there_once_for_each_actor(tenant: Tenant):
    other = tenant.member("editor")
    for actor in (tenant.user_id, other):
        tenant.do(actor=actor, once=Once("key", bytes(32)))

    keys = tenant.rows("SELECT actor::text FROM ledger.batches WHERE key = 'key'")
    assert {row[0] for row in keys} == {tenant.user_id, other}
    with tenant.seeing() as connection, pytest.raises(errors.UniqueViolation):
        connection.execute(
            "INSERT INTO ledger.batches"
            " SELECT workspace_id, gen_random_uuid(), first_seq, last_seq, actor_kind,"
            " actor, surface, request_id, causation_id,"
            " correlation_id, recorded_at, key, fingerprint, reply"
            " FROM ledger.batches WHERE key = 'key'"
        )


# ---------------------------------------------------------------- append-only

REFUSED = [
    "UPDATE ledger.events SET data = '{}'",
    "UPDATE ledger.events SET seq = seq + 1",
    "DELETE FROM ledger.events",
    "TRUNCATE ledger.events",
    "TRUNCATE ledger.events CASCADE",
    "DELETE FROM ledger.batches",
    "UPDATE ledger.batches SET actor = gen_random_uuid()",
    "UPDATE ledger.batches SET first_seq = 1",
    "TRUNCATE ledger.batches",
    "DELETE FROM ledger.heads",
    "TRUNCATE ledger.heads",
    "UPDATE ledger.feed SET last_global = 0",
    "DELETE FROM ledger.feed",
    "UPDATE ledger.anchors SET hash = ''",
    "DELETE FROM ledger.anchors",
    "UPDATE ledger.access_log SET status = 200",
    "DELETE FROM ledger.access_log",
    "DELETE FROM vault.accounts",
    "ALTER TABLE ledger.events DISABLE TRIGGER append_only",
    "ALTER TABLE ledger.events DISABLE TRIGGER ALL",
    "ALTER TABLE ledger.events DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE ledger.events ADD COLUMN x int",
    "ALTER TABLE ledger.events RENAME TO gone",
    "DROP TABLE ledger.events",
    "DROP TRIGGER append_only ON ledger.events",
    "DROP POLICY by_workspace ON ledger.events",
    "DROP SCHEMA ledger CASCADE",
    "CREATE TRIGGER mine BEFORE INSERT ON ledger.events"
    " FOR EACH ROW EXECUTE FUNCTION ledger.refuse()",
    "CREATE RULE mine AS ON INSERT TO ledger.events DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NULL; END'",
    "CREATE OR REPLACE FUNCTION ledger.visible() RETURNS uuid[] LANGUAGE sql"
    " AS 'SELECT array_agg(workspace_id) FROM ledger.feed'",
    "SET session_replication_role = replica",
    "SET ROLE tabellion_owner",
    "SELECT setval('ledger.table_numbers', 1)",
    "CREATE TABLE ledger.mine (x int)",
    "UPDATE public.tabellion_migrations SET digest = ''",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_app_role_cannot_change_what_is_written(tenant: Tenant, statement: str):
    with tenant.seeing() as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("table", ["events", "batches", "heads", "anchors"])
def test_copy_into_the_ledger_is_refused(tenant: Tenant, table: str):
    with (
        tenant.seeing() as connection,
        pytest.raises(errors.FeatureNotSupported, match="row-level security"),
        connection.cursor() as cursor,
        cursor.copy(
            sql.SQL("COPY {} FROM STDIN").format(sql.Identifier("ledger", table))
        ),
    ):
        pass


@pytest.mark.parametrize("table", ["events", "batches", "anchors"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {}"])
def test_even_the_owner_is_stopped_by_the_trigger(
    tenant: Tenant, table: str, change: str
):
    name = sql.Identifier("ledger", table)
    with (
        tenant.seeing(tenant.database.owner) as connection,
        pytest.raises(errors.InsufficientPrivilege, match="append-only"),
    ):
        connection.execute(sql.SQL(change).format(name))


def test_even_the_owner_cannot_update_an_event(tenant: Tenant):
    with (
        tenant.seeing(tenant.database.owner) as connection,
        pytest.raises(errors.InsufficientPrivilege, match="append-only"),
    ):
        connection.execute("UPDATE ledger.events SET data = '{}'")


def test_an_event_cannot_be_slipped_in_twice(tenant: Tenant):
    copied = (
        "INSERT INTO ledger.events"
        " SELECT workspace_id, {seq}, id, stream_id, {version}, type, schema, data,"
        " recorded_at, hash FROM ledger.events WHERE seq = 1"
    )
    with tenant.seeing() as connection:
        with pytest.raises(errors.UniqueViolation, match="events_pkey"):
            connection.execute(copied.format(seq="seq", version=99))
        with pytest.raises(errors.UniqueViolation, match="stream_id_version"):
            connection.execute(copied.format(seq=99, version="version"))


# ---------------------------------------------------------------- who sees what

BY_WORKSPACE = [
    "ledger.heads",
    "ledger.events",
    "ledger.batches",
    "ledger.readable",
    "catalog.workspaces",
    "catalog.members",
    "catalog.bases",
    "catalog.tables",
    "catalog.fields",
    "catalog.constraints",
    "catalog.counters",
    "catalog.unique_keys",
]


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _workspaces_in(connection: psycopg.Connection[Any], table: str) -> set[str]:
    statement = sql.SQL("SELECT DISTINCT workspace_id::text FROM {}").format(
        _name(table)
    )
    return {row[0] for row in connection.execute(statement)}


@pytest.fixture
def neighbours(database: DatabaseUrls, tenant: Tenant) -> tuple[Tenant, Tenant]:
    """Two tenants with a row in every table."""
    other = Tenant(database, tenant.committer).settle()
    for one in (tenant, other):
        table = one.unique(one.table("name"), "name")
        one.create(table, {"name": "x"})
    return tenant, other


@pytest.mark.parametrize("table", BY_WORKSPACE)
def test_who_names_no_workspace_sees_no_row(
    neighbours: tuple[Tenant, Tenant], table: str
):
    tenant, _ = neighbours
    with connect(tenant.database.app, autocommit=True) as connection:
        assert _workspaces_in(connection, table) == set()
        connection.execute(SEE, ["", False])
        assert _workspaces_in(connection, table) == set()
        connection.execute(SEE, ["{}", False])
        assert _workspaces_in(connection, table) == set()
        connection.execute(SEE, [f"{{{new_id()}}}", False])
        assert _workspaces_in(connection, table) == set()


@pytest.mark.parametrize("table", BY_WORKSPACE)
def test_a_tenant_sees_its_own_rows_alone(
    neighbours: tuple[Tenant, Tenant], table: str
):
    tenant, other = neighbours
    with connect(tenant.database.app, autocommit=True) as connection:
        for one in (tenant, other, tenant):
            connection.execute(SEE, [f"{{{one.workspace_id}}}", False])
            assert _workspaces_in(connection, table) == {one.workspace_id}
        both = f"{{{tenant.workspace_id},{other.workspace_id}}}"
        connection.execute(SEE, [both, False])
        assert _workspaces_in(connection, table) == {
            tenant.workspace_id,
            other.workspace_id,
        }


def _fail_while_seeing(connection: psycopg.Connection[Any], tenant: Tenant) -> None:
    connection.execute(SEE, [f"{{{tenant.workspace_id}}}", True])
    assert _workspaces_in(connection, "ledger.events") == {tenant.workspace_id}
    connection.execute("SELECT 1 / 0").fetchall()


def test_two_tenants_on_one_connection_do_not_see_each_other_after_an_exception(
    neighbours: tuple[Tenant, Tenant],
):
    tenant, other = neighbours
    with connect(tenant.database.app, autocommit=True) as connection:
        for block in (connection.transaction, connection.pipeline):
            with pytest.raises(errors.DivisionByZero), block():
                _fail_while_seeing(connection, tenant)
            assert _workspaces_in(connection, "ledger.events") == set()

        with connection.transaction():
            connection.execute(SEE, [f"{{{other.workspace_id}}}", True])
            assert _workspaces_in(connection, "ledger.events") == {other.workspace_id}
        assert _workspaces_in(connection, "ledger.events") == set()


def test_a_broken_setting_shows_nothing(neighbours: tuple[Tenant, Tenant]):
    tenant, _ = neighbours
    with connect(tenant.database.app, autocommit=True) as connection:
        connection.execute(SEE, ["' OR true --", False])
        with pytest.raises(errors.InvalidTextRepresentation):
            connection.execute("SELECT * FROM ledger.events")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger.heads SELECT gen_random_uuid(), 0, 0, hash, recorded_at"
        " FROM ledger.heads",
        "UPDATE ledger.heads SET workspace_id = gen_random_uuid()",
        "INSERT INTO ledger.events SELECT gen_random_uuid(), 1, id, stream_id, version,"
        " type, schema, data, recorded_at, hash FROM ledger.events LIMIT 1",
        "INSERT INTO catalog.members SELECT gen_random_uuid(), id, user_id, role,"
        " created_at, version, deleted FROM catalog.members",
        "UPDATE catalog.workspaces SET workspace_id = gen_random_uuid()",
    ],
)
def test_a_tenant_cannot_write_into_another_workspace(tenant: Tenant, statement: str):
    with (
        tenant.seeing() as connection,
        pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
    ):
        connection.execute(statement)


def test_a_tenant_cannot_reach_another_ones_rows_to_change_them(
    neighbours: tuple[Tenant, Tenant],
):
    tenant, other = neighbours
    with tenant.seeing() as connection:
        for statement in (
            "UPDATE ledger.heads SET seq = 0 WHERE workspace_id = %s",
            "UPDATE ledger.batches SET reply = NULL WHERE workspace_id = %s",
            "DELETE FROM catalog.members WHERE workspace_id = %s",
            "DELETE FROM catalog.unique_keys WHERE workspace_id = %s",
        ):
            done = connection.execute(statement, [other.workspace_id])
            assert done.rowcount == 0


def test_a_user_sees_its_own_memberships_before_any_workspace_is_named(
    neighbours: tuple[Tenant, Tenant],
):
    tenant, _ = neighbours
    with connect(tenant.database.app, autocommit=True) as connection:
        connection.execute(
            "SELECT set_config('app.users', %s, false)", [f"{{{tenant.user_id}}}"]
        )
        assert _workspaces_in(connection, "catalog.members") == {tenant.workspace_id}
        assert _workspaces_in(connection, "ledger.events") == set()
        gone = connection.execute(
            "DELETE FROM catalog.members WHERE user_id = %s", [tenant.user_id]
        )
        assert gone.rowcount == 0  # to see is not to change


# ---------------------------------------------------------------- the follower


def test_the_follower_reads_every_workspace_and_the_tables_of_users(
    neighbours: tuple[Tenant, Tenant],
):
    tenant, other = neighbours
    both = {tenant.workspace_id, other.workspace_id}
    with connect(tenant.database.follower, autocommit=True) as connection:
        for table in (
            "ledger.heads",
            "ledger.events",
            "ledger.batches",
            "ledger.readable",
        ):
            assert both <= _workspaces_in(connection, table)
        connection.execute("SELECT * FROM ledger.feed, ledger.outbox LIMIT 1")
        for one in neighbours:
            (table_id,) = one.catalog().tables
            rows = connection.execute(
                sql.SQL("SELECT id FROM {}").format(
                    live(one.workspace_id).of_records(table_id)
                )
            )
            assert len(rows.fetchall()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger.outbox VALUES (gen_random_uuid(), 1, 1)",
        "DELETE FROM ledger.outbox",
        "INSERT INTO ledger.feed VALUES (1, gen_random_uuid(), 1, 1)",
        "UPDATE ledger.heads SET seq = 0",
        "INSERT INTO ledger.events SELECT * FROM ledger.events",
        "UPDATE ledger.batches SET reply = NULL",
        "DELETE FROM catalog.members",
        "SELECT * FROM vault.accounts",
        "SELECT * FROM vault.sessions",
        "SELECT * FROM vault.refresh_tokens",
        "SELECT * FROM ledger.access_log",
        "SELECT nextval('ledger.table_numbers')",
        "CREATE SCHEMA mine",
        "CREATE TABLE public.mine (x int)",
    ],
)
def test_the_follower_may_do_no_more_than_follow(tenant: Tenant, statement: str):
    with (
        connect(tenant.database.follower, autocommit=True) as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_follower_keeps_its_own_position(tenant: Tenant):
    name = f"test-{new_id()}"
    with connect(tenant.database.follower, autocommit=True) as connection:
        connection.execute("INSERT INTO ledger.positions VALUES (%s, 1)", [name])
        moved = connection.execute(
            "UPDATE ledger.positions SET global_seq = 2 WHERE follower = %s", [name]
        )
        assert moved.rowcount == 1


# ---------------------------------------------------------------- what is not in it


class Person:
    """Someone with data that must not leak: each value is found by its own word."""

    def __init__(self) -> None:
        word = secrets.token_hex(8)
        self.user_id = UserId(new_id())
        self.email = f"Canary-Mail-{word}@example.org"
        self.name = f"Canary Name {word}"
        self.new_name = f"Canary Renamed {word}"
        self.password = f"canary-password-{word}"
        self.address = f"canary-address-{word}"
        self.tokens = [f"canary-token-{number}-{word}" for number in range(3)]
        self.hash = ""

    @property
    def canaries(self) -> list[bytes]:
        words = [
            self.email,
            self.email.casefold(),
            self.name,
            self.new_name,
            self.password,
            self.hash,
            self.hash.rpartition("$")[2],
            *self.tokens,
        ]
        digests = [accounts.token_digest(token) for token in self.tokens]
        return [
            *(word.encode() for word in words),
            *digests,
            *(digest.hex().encode() for digest in digests),
        ]


async def _live_a_little(system: System, person: Person) -> None:
    """Signs up with a key, in and out, changes the name."""
    origin = Origin(Actor("user", person.user_id), "pybase", "request-1")
    person.hash = await accounts.hash_password(person.password)
    session = new_id()
    me = accounts.Account(person.user_id, person.email, person.name, time_text(now()))

    def signed_up(_outcome: Outcome) -> Reply:
        shown = {"email": person.email, "name": person.name, "token": person.tokens[0]}
        return Reply(201, json.dumps(shown).encode())

    once = Once("sign-up", bytes(32), secret_id=person.user_id)
    signing_up = Prepared(
        [RegisterUser(person.user_id, accounts.email_key(person.email))],
        signed_up,
        vault=[
            accounts.new_account(me, person.hash),
            *accounts.new_session(person.user_id, session, person.tokens[0], 30),
        ],
    )
    await submit_to_instance(system, origin, signing_up, once)
    with pytest.raises(SecretAlreadyShown) as shown:
        await submit_to_instance(system, origin, signing_up, once)
    assert shown.value.extra == {"id": person.user_id}

    signed_in = await accounts.sign_in(system.reader, person.email, person.password)
    assert signed_in[0].name == person.name
    await accounts.rotate(
        system.reader, session, person.tokens[0], person.tokens[1], 30
    )
    another = new_id()
    await accounts.open_session(system.reader, signed_in, another, person.tokens[2], 30)
    await submit_to_instance(
        system,
        origin,
        Prepared(
            [ChangeProfile(person.user_id, ("name",))],
            lambda _: Reply(200, b"{}"),
            vault=[accounts.renamed(person.user_id, person.new_name)],
        ),
    )
    assert (await accounts.account(system.reader, person.user_id, another)).name == (
        person.new_name
    )
    await accounts.end_session(system.reader, another)


def _bytes_of(
    owner: psycopg.Connection[Any], schema: str
) -> Iterator[tuple[str, bytes]]:
    """Every table's content as Postgres keeps it, and as text."""
    names = owner.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r'"
        " AND relnamespace = %s::regnamespace",
        [schema],
    ).fetchall()
    for (name,) in names:
        table = sql.Identifier(schema, name)
        for form in ("(FORMAT binary)", "(FORMAT text)"):
            statement = sql.SQL("COPY {} TO STDOUT {}").format(table, sql.SQL(form))
            with owner.cursor() as cursor, cursor.copy(statement) as copy:
                yield name, b"".join(bytes(part) for part in copy)


@pytest.mark.anyio
async def test_no_secret_and_no_personal_datum_is_in_ledger_or_catalogue(
    system: System, database: DatabaseUrls
):
    person = Person()
    await _live_a_little(system, person)

    with psycopg.connect(database.owner, autocommit=True) as owner:
        for schema in ("ledger", "catalog"):
            for table, content in _bytes_of(owner, schema):
                for canary in person.canaries:
                    assert canary not in content, (schema, table, canary)
        vault = b"".join(content for _, content in _bytes_of(owner, "vault"))
    assert person.email.encode() in vault  # the scan does find what is there
    assert accounts.token_digest(person.tokens[2]) in vault
    assert person.password.encode() not in vault
    assert all(token.encode() not in vault for token in person.tokens)


@pytest.mark.anyio
async def test_the_scan_finds_a_canary_that_was_put_into_a_reply(
    system: System, database: DatabaseUrls
):
    """The same key without `secret_id`: its reply is kept, and the scan must see it."""
    person = Person()
    origin = Origin(Actor("user", person.user_id), "pybase", "request-1")
    kept = Prepared(
        [RegisterUser(person.user_id, f"{person.user_id}@example.org")],
        lambda _: Reply(201, person.email.encode()),
    )
    await submit_to_instance(system, origin, kept, Once("kept", bytes(32)))

    with psycopg.connect(database.owner, autocommit=True) as owner:
        ledger = dict(_bytes_of(owner, "ledger"))
        binary = next(
            one for name, one in _bytes_of(owner, "ledger") if name == "batches"
        )
    assert person.email.encode() in binary
    assert person.email.encode() not in ledger["events"]
