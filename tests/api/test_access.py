"""Who may do what: every operation, by every role, on what is whose.

The rules stand here, written from the promise and not from the code: *viewer* and
*commenter* read; *editor* writes records, views and form entries; *admin* writes
bases, tables, fields, constraints, webhooks, automations and members; *owner* also
deletes the workspace.  Another tenant's thing answers exactly as one that never was.
A route without a rule fails the last test.
"""

import re
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.api.rules import same_but_for_ids, shape
from tests.client import (
    PASSWORD,
    Client,
    Json,
    made,
    new_email,
    new_id,
    running_server,
)

ANYBODY, SIGNED_IN = "anybody", "signed in"
ROLES = ["viewer", "commenter", "editor", "admin", "owner"]
CALLERS = ["anonymous", "stranger", *ROLES]
OWN, FOREIGN, ABSENT = "own", "foreign", "absent"


@dataclass(frozen=True)
class Rule:
    """An operation, the least that its caller has to be, and how to call it.

    `query` and `body` name things in braces: {table}, {record}, …, and {new} is a text
    that nothing has; `then` is the status of success.
    """

    operation: str
    least: str
    then: int = 200
    query: Json = field(default_factory=dict)
    body: Json | None = None
    file: str | None = None
    reads: bool = False  # though it is no GET

    @property
    def names(self) -> set[str]:
        said = f"{self.operation} {self.query} {self.body}"
        return set(re.findall(r"{(\w+)}", said))

    @property
    def of_something(self) -> bool:
        """Whether it names a thing that somebody has."""
        return bool(self.names - {"new", "user"})

    def __str__(self) -> str:
        return f"{self.operation}{'?' if self.query else ''}{'&'.join(self.query)}"


RECORD = {"table_id": "{table}", "fields": {"Name": "{new}"}}
ENTRY = {"fields": {"Name": "{new}"}}
ROWS = {"table_id": "{table}", "records": [{"fields": {"Name": "{new}"}}]}
UPDATES = {
    "table_id": "{table}",
    "updates": [{"record_id": "{record}", "fields": {"Name": "{new}"}}],
}
IDS = {"table_id": "{table}", "record_ids": ["{record}"]}

OPERATIONS = {
    "workspace_id": "{workspace}",
    "operations": [{"method": "POST", "path": "/records", "body": RECORD}],
}

OUTGOING = {
    "name": "{new}",
    "type": "outgoing",
    "url": "https://hooks.example.org/in",
    "events": ["record.created"],
}
NOWHERE = "https://localhost/"  # nobody is called there
WIDE = {"workspace_id": "{workspace}", **OUTGOING}
INCOMING = {
    "table_id": "{table}",
    "name": "{new}",
    "type": "incoming",
    "field_mappings": {"who": "Name"},
}

PASSWORDS = {"current_password": PASSWORD, "new_password": PASSWORD}

RULES = [
    # --- workspaces and members
    Rule("GET /workspaces", SIGNED_IN),
    Rule("POST /workspaces", SIGNED_IN, 201, body={"name": "{new}"}),
    Rule("GET /workspaces/{workspace}", "viewer"),
    Rule("PATCH /workspaces/{workspace}", "admin", body={"name": "{new}"}),
    Rule("DELETE /workspaces/{workspace}", "owner", 204),
    Rule("GET /workspaces/{workspace}/members", "viewer"),
    Rule(
        "POST /workspaces/{workspace}/members",
        "admin",
        201,
        body={"user_id": "{user}", "role": "viewer"},
    ),
    Rule(
        "PATCH /workspaces/{workspace}/members/{member}",
        "admin",
        body={"role": "viewer"},
    ),
    Rule("DELETE /workspaces/{workspace}/members/{member}", "admin", 204),
    Rule("GET /workspaces/{workspace}/tokens", "viewer"),
    Rule("POST /workspaces/{workspace}/tokens", "viewer", 201, body={}),
    Rule("DELETE /workspaces/{workspace}/tokens/{access}", "viewer", 204),
    # --- bases
    Rule("GET /bases", SIGNED_IN),
    Rule("GET /bases", "viewer", query={"workspace_id": "{workspace}"}),
    Rule(
        "POST /bases",
        "admin",
        201,
        body={"workspace_id": "{workspace}", "name": "{new}"},
    ),
    Rule("GET /bases/{base}", "viewer"),
    Rule("PATCH /bases/{base}", "admin", body={"name": "{new}"}),
    Rule("DELETE /bases/{base}", "admin", 204),
    Rule("POST /bases/{base}/duplicate", "admin", 201, body={}),
    # --- tables
    Rule("GET /tables", "viewer", query={"base_id": "{base}"}),
    Rule("POST /tables", "admin", 201, body={"base_id": "{base}", "name": "{new}"}),
    Rule("GET /tables/{table}", "viewer"),
    Rule("PATCH /tables/{table}", "admin", body={"name": "{new}"}),
    Rule("DELETE /tables/{table}", "admin", 204),
    Rule("POST /tables/{table}/import", "editor", 201, file="Name\nAda\n"),
    # --- attachments
    Rule(
        "POST /attachments",
        "editor",
        201,
        query={"workspace_id": "{workspace}"},
        file="Ada",
    ),
    Rule("POST /attachments", "editor", 201, query={"table_id": "{table}"}, file="Ada"),
    Rule("GET /attachments/{file}", "viewer"),
    Rule("GET /attachments/{file}/content", "viewer"),
    # --- fields
    Rule("GET /fields", "viewer", query={"table_id": "{table}"}),
    Rule(
        "POST /fields",
        "admin",
        201,
        body={"table_id": "{table}", "name": "{new}", "type": "text"},
    ),
    Rule("GET /fields/{field}", "viewer"),
    Rule("PATCH /fields/{field}", "admin", body={"name": "{new}"}),
    Rule("DELETE /fields/{field}", "admin", 204),
    Rule(
        "POST /fields/reorder",
        "admin",
        body={"table_id": "{table}", "field_ids": ["{free}"]},
    ),
    Rule("GET /fields/{field}/constraint", "viewer"),
    # --- constraints
    Rule("GET /constraints", "viewer", query={"table_id": "{table}"}),
    Rule("GET /constraints", "viewer", query={"field_id": "{field}"}),
    Rule("POST /constraints", "admin", 201, body={"field_id": "{free}"}),
    Rule("GET /constraints/{constraint}", "viewer"),
    Rule("PATCH /constraints/{constraint}", "admin", body={"status": "disabled"}),
    Rule("DELETE /constraints/{constraint}", "admin", 204),
    # --- records
    Rule("GET /records", "viewer", query={"table_id": "{table}"}),
    Rule("POST /records", "editor", 201, body=RECORD),
    Rule("GET /records/{record}", "viewer"),
    Rule("PATCH /records/{record}", "editor", body={"fields": {"Name": "{new}"}}),
    Rule("DELETE /records/{record}", "editor", 204),
    Rule("POST /records/batch", "editor", 201, body=ROWS),
    Rule("PATCH /records/batch", "editor", body=UPDATES),
    Rule("DELETE /records/batch", "editor", 204, body=IDS),
    Rule(
        "DELETE /records/batch",
        "editor",
        204,
        query={"table_id": "{table}", "record_ids": "{record}"},
    ),
    Rule("GET /records/cursor", "viewer", query={"table_id": "{table}"}),
    Rule("GET /records/export", "viewer", query={"table_id": "{table}"}),
    Rule("POST /records/export", "viewer", query={"table_id": "{table}"}),
    # --- operations of all kinds
    Rule("POST /batch", "editor", body=OPERATIONS),
    # --- the feed
    Rule("GET /events", "viewer", query={"workspace_id": "{workspace}"}),
    # --- what happened
    Rule("GET /records/{record}/history", "viewer"),
    Rule("GET /records/{record}/blame", "viewer"),
    Rule("GET /tables/{table}/history", "viewer"),
    Rule("GET /fields/{field}/history", "viewer"),
    Rule("GET /tables/{table}/diff", "viewer", query={"from": "{at}"}),
    Rule("GET /audit", "admin", query={"workspace_id": "{workspace}"}),
    Rule("GET /events/stream", "viewer", query={"workspace_id": "{workspace}"}),
    Rule("GET /events/{event}", "viewer"),
    Rule("GET /events/{event}/causes", "viewer"),
    Rule("GET /events/{event}/effects", "viewer"),
    # --- history
    Rule("POST /undo", "editor", body={"scope": "batch", "id": "{batch}"}),
    Rule("POST /redo", "editor", body={"batch_id": "{undo}"}),
    # --- views
    Rule("GET /views", "viewer", query={"table_id": "{table}"}),
    Rule("POST /views", "editor", 201, body={"table_id": "{table}", "name": "{new}"}),
    Rule("GET /views/default", "viewer", query={"table_id": "{table}"}),
    Rule(
        "POST /views/reorder",
        "editor",
        body={"table_id": "{table}", "view_ids": ["{view}"]},
    ),
    Rule("GET /views/{view}", "viewer"),
    Rule("PATCH /views/{view}", "editor", body={"name": "{new}"}),
    Rule("DELETE /views/{view}", "editor", 204),
    Rule("POST /views/{view}/duplicate", "editor", 201, body={}),
    Rule("POST /views/{view}/data", "viewer", body={}, reads=True),
    Rule("GET /views/{view}/form", "viewer"),
    Rule("POST /views/{view}/form/submit", "editor", 201, body=ENTRY),
    Rule("POST /views/{view}/submit", "editor", 201, body=ENTRY),
    # --- extraction
    *(
        Rule(f"POST /extraction/{kind}", "editor", 202, body={})
        for kind in ("pdf", "dxf", "ifc", "step", "werk24")
    ),
    Rule("GET /extraction/jobs/{job}", "viewer"),
    Rule("POST /extraction/import/preview", "editor", body={}),
    Rule("POST /extraction/import/execute", "editor", body={}),
    # --- real time
    Rule("GET /realtime/stats", "viewer"),
    Rule("GET /realtime/presence/{channel}", "viewer"),
    Rule("GET /realtime/presence/{channel}/focus", "viewer"),
    Rule("POST /realtime/broadcast/{channel}", "editor", body={}),
    # --- automations
    Rule("GET /automations", "viewer", query={"table_id": "{table}"}),
    Rule("POST /automations", "admin", 201, body={"table_id": "{table}"}),
    Rule("GET /automations/{automation}", "viewer"),
    Rule("PATCH /automations/{automation}", "admin", body={}),
    Rule("DELETE /automations/{automation}", "admin", 204),
    Rule("POST /automations/{automation}/actions", "admin", 201, body={}),
    Rule("PATCH /automations/{automation}/actions/{action}", "admin", body={}),
    Rule("DELETE /automations/{automation}/actions/{action}", "admin", 204),
    Rule("POST /automations/{automation}/actions/reorder", "admin", body={}),
    Rule("POST /automations/{automation}/trigger", "editor", body={}),
    Rule("POST /automations/{automation}/pause", "admin", body={}),
    Rule("POST /automations/{automation}/resume", "admin", body={}),
    Rule("GET /automations/{automation}/runs", "viewer"),
    Rule("GET /automations/{automation}/runs/{run}", "viewer"),
    # --- webhooks
    Rule("GET /webhooks", "viewer", query={"table_id": "{table}"}),
    Rule("GET /webhooks", "viewer", query={"workspace_id": "{workspace}"}),
    Rule("POST /webhooks", "admin", 201, body={"table_id": "{table}", **OUTGOING}),
    Rule("POST /webhooks", "admin", 201, body=WIDE),
    Rule("POST /webhooks", "admin", 201, body=INCOMING),
    Rule("GET /webhooks/{webhook}", "viewer"),
    Rule("PATCH /webhooks/{webhook}", "admin", body={"name": "{new}"}),
    Rule("DELETE /webhooks/{webhook}", "admin", 204),
    Rule("POST /webhooks/{webhook}/test", "admin", body={}, reads=True),
    Rule("GET /webhooks/{webhook}/deliveries", "admin"),
    Rule("POST /webhooks/{receiver}/regenerate-token", "admin", body={}),
    Rule("POST /webhooks/{webhook}/rotate-secret", "admin", body={}),
    Rule("POST /webhooks/{webhook}/replay", "admin", 202, body={"from_position": 1}),
    # its token is all that is asked for, and this one is none
    Rule("POST /webhooks/incoming/{token}", ANYBODY, 404, body={}),
    # --- accounts and operations
    Rule("POST /auth/register", ANYBODY, 201),
    Rule("POST /auth/login", ANYBODY),
    Rule("POST /auth/refresh", ANYBODY),
    Rule("POST /auth/logout", SIGNED_IN, 204),
    Rule("POST /auth/change-password", SIGNED_IN, 204, body=PASSWORDS),
    Rule("GET /auth/me", SIGNED_IN),
    Rule("GET /users/me", SIGNED_IN),
    Rule("PATCH /users/me", SIGNED_IN, body={}),
    Rule("GET /users/me/api-keys", SIGNED_IN),
    Rule("POST /users/me/api-keys", SIGNED_IN, 201, body={}),
    Rule("DELETE /users/me/api-keys/{key}", SIGNED_IN, 204),
    Rule("GET /health", ANYBODY),
    Rule("GET /ready", ANYBODY),
    Rule("GET /info", ANYBODY),
    Rule("GET /metrics", ANYBODY),
]


def expected(rule: Rule, caller: str, whose: str) -> int:
    """The status that the rules promise."""
    if rule.least == ANYBODY:
        return rule.then
    if caller == "anonymous":
        return 401
    if rule.least == SIGNED_IN:
        return rule.then
    if whose != OWN or caller == "stranger":
        return 404
    return rule.then if ROLES.index(caller) >= ROLES.index(rule.least) else 403


# ---------------------------------------------------------------- what there is


class World:
    """Two tenants: the team's workspace with a member a role, and a stranger's."""

    def __init__(self, url):
        self.url = url
        self.callers = {"anonymous": Client(url)}
        for name in ("owner", "stranger", *ROLES[:-1]):
            self.callers[name] = Client(url).register(name.title())
        owner, stranger = self.callers["owner"], self.callers["stranger"]
        self.workspace = owner.workspace("Ours")["id"]
        for role in ROLES[:-1]:
            member = owner.add_member(self.workspace, self.callers[role], role)
        self.own = self.stage(owner, self.workspace) | {"member": member["id"]}
        theirs = stranger.workspace("Theirs")["id"]
        self.foreign = self.stage(stranger, theirs)
        for things, whose in ((self.own, owner), (self.foreign, stranger)):
            things["access"] = self.token(whose, things["workspace"])["id"]
        self.absent = {name: new_id() for name in self.foreign}

    def stage(self, client, workspace_id):
        """A base with a table, its fields, a record, a constraint and views."""
        base = client.base(workspace_id)
        table = client.table("Name", "Free", base_id=base["id"])
        client.view(table["id"], "grid")
        return self.taken_back(client, table["id"]) | {
            "workspace": workspace_id,
            "view": client.view(table["id"], "form")["id"],
            "base": base["id"],
            "table": table["id"],
            "field": table["ids"]["Name"],
            "free": table["ids"]["Free"],
            "record": client.record(table["id"], Name=new_id())["id"],
            "constraint": client.constraint(table["ids"]["Name"])["id"],
            "file": client.upload(workspace_id, b"Ada")["id"],
            "webhook": client.webhook(table["id"], url=NOWHERE)["id"],
            "receiver": client.webhook(table["id"], type="incoming")["id"],
            "at": str(client.position(workspace_id)),
            "event": self.first_event(client, workspace_id),
        }

    def token(self, client, workspace_id):
        return made(client.post(f"/workspaces/{workspace_id}/tokens", json={}))

    def first_event(self, client, workspace_id):
        query = {"workspace_id": workspace_id, "limit": 1}
        return made(client.get("/events", params=query))["items"][0]["id"]

    def things(self, rule, caller, whose):
        """Ids for the names of a rule; what is going to be changed is made anew."""
        if whose == ABSENT:
            found = self.absent
        elif whose == FOREIGN:
            found = self.foreign
        else:
            found = self.own
        anything = {name: new_id() for name in rule.names}
        if "key" in rule.names and caller != "anonymous":
            key = made(self.callers[caller].post("/users/me/api-keys", json={}))
            found = found | {"key": key["id"]}
        if whose == OWN and expected(rule, caller, whose) < 400:
            if "GET" not in rule.operation:
                found = found | self.anew(rule)
            found = found | self.passing(rule)
            if "access" in rule.names:  # everybody's own
                token = self.token(self.callers[caller], self.workspace)
                found = found | {"access": token["id"]}
        return anything | found | {"user": self.somebody(rule, caller, whose)}

    def anew(self, rule):
        """What a write names, as nothing was done to it yet.

        A base or a table is the common one where it is only the place of the rest."""
        owner, named = self.callers["owner"], rule.names
        base, table = ({"id": self.own[name]} for name in ("base", "table"))
        found: Json = {}
        if "/bases/{base}" in rule.operation:
            base = owner.base(self.workspace)
        if re.search("/{(base|table)}", rule.operation):
            table = owner.table("Name", "Free", base_id=base["id"], name=new_id())
        if named & {"field", "free", "constraint"}:
            field = owner.field(table["id"], new_id())["id"]
            found |= {"field": field, "free": field}
        if "constraint" in named:
            found["constraint"] = owner.constraint(field)["id"]
        if "view" in named:
            kind = "form" if "submit" in rule.operation else "grid"
            found["view"] = owner.view(table["id"], kind)["id"]
        if "webhook" in named:
            found["webhook"] = owner.webhook(table["id"], url=NOWHERE)["id"]
        if "receiver" in named:
            made_here = owner.webhook(table["id"], type="incoming")
            found["receiver"] = made_here["id"]
        if "record" in named:
            found["record"] = owner.record(table["id"], Name=new_id())["id"]
        if named & {"batch", "undo"}:
            found |= self.taken_back(owner, table["id"])
        return found | {"base": base["id"], "table": table["id"]}

    def taken_back(self, owner, table_id):
        """A batch that was undone, and one that was not."""
        passing = {"table_id": table_id, "fields": {"Free": "x"}}
        batches = [
            owner.post("/records", json=passing).headers["x-batch-id"] for _ in range(2)
        ]
        undone = owner.post("/undo", json={"scope": "batch", "id": batches[1]})
        return {"batch": batches[0], "undo": made(undone)["batch_id"]}

    def passing(self, rule):
        """What the operation takes away from the workspace, made for it."""
        owner = self.callers["owner"]
        if rule.operation == "DELETE /workspaces/{workspace}":
            return {"workspace": owner.workspace("Passing")["id"]}
        if "member" not in rule.names:
            return {}
        with Client(self.url) as client:
            user = client.register("Newcomer")
            added = owner.add_member(self.workspace, user, "commenter")
        return {"member": added["id"]}

    def somebody(self, rule, caller, whose):
        """A user to be added: a new one where adding is going to succeed."""
        if "user" in rule.names and expected(rule, caller, whose) == 201:
            with Client(self.url) as client:
                return client.register("Newcomer").user["id"]
        return self.callers["stranger"].user["id"]

    def ask(self, rule, caller, things, url=None):
        method, _, path = filled(rule.operation, things).partition(" ")
        client = self.callers[caller]
        if url is not None:
            path = f"{url}/api/v1{path}"
        asked = client.build_request(
            method,
            path,
            params=filled(rule.query, things),
            json=filled(rule.body, things),
            files=None if rule.file is None else {"file": rule.file.encode()},
        )
        reply = client.send(asked, stream=True)
        if reply.headers.get("content-type") == "text/event-stream":
            reply.close()  # it has no end
        else:
            reply.read()
        return reply


def filled(value, things):
    """A value with ids in place of the names in braces."""
    if isinstance(value, str):
        return re.sub(r"{(\w+)}", lambda name: things[name[1]], value)
    if isinstance(value, dict):
        return {key: filled(item, things) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, things) for item in value]
    return value


@pytest.fixture(scope="module")
def world(server):
    world = World(server.url)
    yield world
    for client in world.callers.values():
        client.close()


@pytest.fixture(scope="module")
def unfinished(server):
    """Operations that are to come, as the rules spell them."""
    return {
        re.sub(r"{\w+}", "{}", f"{row.method} {row.path}")
        for row in server.doors.records.routes.rows
        if row.planned
    }


@pytest.fixture(scope="module")
def ledger(database):
    with psycopg.connect(database.owner, autocommit=True) as connection:
        yield connection


def positions(ledger, besides=None):
    """The sum of all workspaces' positions, or of all besides one: any event adds."""
    total, theirs = ledger.execute(
        "SELECT sum(seq), coalesce(sum(seq) FILTER (WHERE workspace_id = %s), 0)"
        " FROM ledger.heads",
        [besides],
    ).fetchone()
    return total - theirs


# -------------------------------------------------------------------- the tests

READS = ("GET", "POST /records/export")
BY_ROLE = [rule for rule in RULES if rule.least not in (ANYBODY, SIGNED_IN)]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("rule", BY_ROLE, ids=str)
def test_an_operation_on_ones_own_is_for_its_roles(
    world, ledger, unfinished, rule, caller
):
    things = world.things(rule, caller, OWN)
    promised = expected(rule, caller, OWN)
    written = things.get("workspace", world.workspace)
    before, elsewhere = positions(ledger), positions(ledger, besides=written)

    reply = world.ask(rule, caller, things)

    if promised != 401 and shape(rule.operation) in unfinished:
        assert reply.status_code == 501
        assert positions(ledger) == before
        return
    assert reply.status_code == promised, reply.text
    if promised >= 400 or rule.operation.startswith(READS) or rule.reads:
        assert positions(ledger) == before
    else:
        assert positions(ledger) > before
        assert positions(ledger, besides=written) == elsewhere


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("rule", [one for one in BY_ROLE if one.of_something], ids=str)
def test_what_is_anothers_answers_as_what_never_was(
    world, ledger, unfinished, rule, caller
):
    if caller == "stranger":  # whose own the foreign things are
        foreign = world.things(rule, "viewer", OWN)
    else:
        foreign = world.things(rule, caller, FOREIGN)
    absent = world.things(rule, caller, ABSENT)
    before = positions(ledger)

    there, nowhere = (world.ask(rule, caller, one) for one in (foreign, absent))

    promised = expected(rule, caller, FOREIGN)
    if promised != 401 and shape(rule.operation) in unfinished:
        promised = 501
    assert (there.status_code, nowhere.status_code) == (promised, promised)
    assert same_but_for_ids(there, foreign) == same_but_for_ids(nowhere, absent)
    assert positions(ledger) == before


def test_a_server_that_has_seen_nothing_yet_answers_the_same(
    world, settings, database, unfinished
):
    rules = [
        rule
        for rule in BY_ROLE
        if rule.of_something and shape(rule.operation) not in unfinished
    ]
    assert len(rules) > 25
    with running_server(settings, database) as fresh:
        for rule in rules:
            foreign = world.things(rule, "owner", FOREIGN)
            absent = world.things(rule, "owner", ABSENT)
            first = world.ask(rule, "owner", foreign, fresh.url)
            again = world.ask(rule, "owner", foreign)
            nowhere = world.ask(rule, "owner", absent, fresh.url)
            assert (
                same_but_for_ids(first, foreign)
                == same_but_for_ids(again, foreign)
                == same_but_for_ids(nowhere, absent)
            ), rule


# a thing of one's own named together with a thing of another's
MIXED = [
    Rule("PATCH /records/batch", "editor", body=UPDATES),
    Rule("DELETE /records/batch", "editor", body=IDS),
    Rule(
        "GET /constraints",
        "viewer",
        query={"table_id": "{table}", "field_id": "{field}"},
    ),
    Rule(
        "POST /fields",
        "admin",
        body={
            "table_id": "{table}",
            "name": "{new}",
            "type": "linked_record",
            "options": {"linked_table_id": "{linked}"},
        },
    ),
    Rule("POST /workspaces/{workspace}/members", "admin", body={"user_id": "{member}"}),
    Rule(
        "POST /views/reorder",
        "editor",
        body={"table_id": "{table}", "view_ids": ["{view}"]},
    ),
]
OTHERS = {"record", "field", "linked", "member", "view"}


@pytest.mark.parametrize("rule", MIXED, ids=str)
def test_ones_own_with_anothers_is_refused_whole(world, ledger, rule):
    own = world.own | {"linked": world.own["table"], "new": new_id()}
    foreign = world.foreign | {"linked": world.foreign["table"]}
    taken = {name: foreign.get(name, new_id()) for name in OTHERS}
    never = {name: new_id() for name in OTHERS}
    before = positions(ledger)

    there = world.ask(rule, "owner", own | taken)
    nowhere = world.ask(rule, "owner", own | never)

    assert there.status_code == nowhere.status_code == 404
    assert same_but_for_ids(there, own | taken) == same_but_for_ids(
        nowhere, own | never
    )
    assert positions(ledger) == before


def test_a_batch_with_one_of_anothers_in_it_is_refused_whole(world, ledger):
    owner = world.callers["owner"]
    table_id = world.own["table"]
    rows = owner.records(table_id, *[{"Name": new_id()} for _ in range(99)])
    ids = [row["id"] for row in rows]
    ids.insert(50, world.foreign["record"])
    updates = [{"record_id": one, "fields": {"Free": "x"}} for one in ids]
    before = positions(ledger)

    replies = [
        owner.patch("/records/batch", json={"table_id": table_id, "updates": updates}),
        owner.delete_with("/records/batch", {"table_id": table_id, "record_ids": ids}),
    ]

    assert [reply.status_code for reply in replies] == [404, 404]
    assert positions(ledger) == before


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    "rule",
    [
        rule
        for rule in RULES
        if rule.least == SIGNED_IN and rule.operation != "POST /auth/logout"
    ],
    ids=str,
)
def test_what_every_user_may_is_nothing_for_nobody(world, unfinished, rule, caller):
    reply = world.ask(rule, caller, world.things(rule, caller, ABSENT))

    promised = expected(rule, caller, OWN)
    if promised != 401 and shape(rule.operation) in unfinished:
        promised = 501
    assert reply.status_code == promised


def test_to_log_out_one_has_to_be_in(world, newcomer):
    assert world.callers["anonymous"].post("/auth/logout").status_code == 401
    assert newcomer.post("/auth/logout").status_code == 204


@pytest.mark.parametrize(
    "rule", [one for one in RULES if one.least == ANYBODY], ids=str
)
def test_what_is_for_anybody_asks_for_no_token(world, unfinished, rule):
    user = {"email": new_email(), "password": PASSWORD}
    token = world.callers["viewer"].refresh_token
    bodies = {
        "POST /auth/register": user,
        "POST /auth/login": {**user, "email": world.callers["viewer"].user["email"]},
        "POST /auth/refresh": {"refresh_token": token},
    }
    body = bodies.get(rule.operation, rule.body)
    method, _, path = filled(rule.operation, {"token": "whk_x"}).partition(" ")

    reply = world.callers["anonymous"].request(method, path, json=body)

    promised = 501 if shape(rule.operation) in unfinished else rule.then
    assert reply.status_code == promised


def test_a_role_counts_from_its_day_on(world):
    owner = world.callers["owner"]
    workspace = owner.workspace("Later")
    with Client(world.url) as client:
        joining = client.register("Late")
        path = f"/workspaces/{workspace['id']}"
        assert joining.get(path).status_code == 404
        owner.add_member(workspace["id"], joining, "viewer")
        assert made(joining.get(path))["role"] == "viewer"


def test_every_route_has_a_rule_and_every_rule_a_route(server):
    rows = {
        shape(f"{row.method} {row.path}") for row in server.doors.records.routes.rows
    }

    assert {shape(rule.operation) for rule in RULES} == rows


# ------------------------------------------------------------------- Table REST


def names_of(client, things):
    """What a table's URL says of workspace, base and table."""
    return (
        made(client.get(f"/workspaces/{things['workspace']}"))["slug"],
        made(client.get(f"/bases/{things['base']}"))["db_name"],
        made(client.get(f"/tables/{things['table']}"))["slug"],
    )


def rest(world, caller, names):
    slug, base, table = names
    path = f"{world.url}/api/workspace/{slug}/database/{base}/table/{table}/"
    world.callers[caller].cookies.clear()  # of a log-in of an earlier test
    return world.callers[caller].get(path)


def test_table_rest_has_the_route_of_its_rules(server):
    rows = server.doors.records.tables.routes.rows

    assert [f"{row.method} {row.path}" for row in rows] == [
        "GET /{workspace_slug}/database/{db_name}/table/{table_name}/"
    ]


@pytest.mark.parametrize("caller", CALLERS)
def test_rows_are_read_by_every_role(world, ledger, caller):
    names = names_of(world.callers["owner"], world.own)
    before = positions(ledger)

    reply = rest(world, caller, names)

    assert reply.status_code == {"anonymous": 403, "stranger": 404}.get(caller, 200)
    assert positions(ledger) == before


@pytest.mark.parametrize("caller", CALLERS)
def test_rows_of_anothers_workspace_answer_as_those_of_none(world, caller):
    known, unknown = world.foreign, world.callers["stranger"]
    names = names_of(unknown, known)
    if caller == "stranger":  # whose own the foreign things are
        names = names_of(world.callers["owner"], world.own)

    there = rest(world, caller, names)
    nowhere = rest(world, caller, ("no-such-workspace", *names[1:]))

    assert there.status_code == (403 if caller == "anonymous" else 404)
    assert same_but_for_ids(there, {}) == same_but_for_ids(nowhere, {})
