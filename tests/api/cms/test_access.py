"""Who may do what at the CMS: every operation, by every role, on what is whose.

The rules stand here, written from the promise and not from the code: *viewer* and
*commenter* read; *editor* writes entries and media; *admin* changes the workspace and
its object types; *owner* also deletes the workspace.  Another tenant's thing answers
exactly as one that never was.  A route without a rule fails the last test.
"""

import re
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from domain.ids import INSTANCE
from tests.api.cms.client import CmsClient
from tests.api.rules import same_but_for_ids, shape
from tests.client import Json, made, new_id

ANYBODY, SIGNED_IN = "anybody", "signed in"
ROLES = ["viewer", "commenter", "editor", "admin", "owner"]
CALLERS = ["anonymous", "stranger", *ROLES]


@dataclass(frozen=True)
class Rule:
    """An operation, the least that its caller has to be, and how to call it.

    `query` and `body` name things in braces: {workspace}, {type}, {entry}, …, and {new}
    is a text that nothing has; `then` is the status of success.
    """

    operation: str
    least: str
    then: int = 200
    query: Json = field(default_factory=dict)
    body: Json | None = None
    file: bool = False  # it has one as its body
    ends: bool = False  # the thing that it names, or the caller's session

    @property
    def names(self) -> set[str]:
        said = f"{self.operation} {self.query} {self.body}"
        return set(re.findall(r"{(\w+)}", said))

    def __str__(self) -> str:
        return f"{self.operation}{'?' if self.query else ''}{'&'.join(self.query)}"


DATA = {"title": "{new}"}
ENTRY = {"object_type_id": "{type}", "data": DATA}
TYPE = {
    "workspace_id": "{workspace}",
    "name": "{new}",
    "field_definitions": [{"name": "title", "type": "TEXT"}],
}
PUBLIC = "GET /api/{workspace_slug}/{type_slug}"

RULES = [
    # --- what anybody may ask
    Rule("GET /", ANYBODY),
    Rule("GET /health", ANYBODY),
    Rule("POST /auth/register", ANYBODY, 400, body={}),
    Rule("POST /auth/login", ANYBODY, 400, body={}),
    Rule("GET /auth/oauth/start", ANYBODY, 501),
    Rule("GET /auth/oauth/callback", ANYBODY, 501),
    Rule("POST /auth/exchange", ANYBODY, 501, body={}),
    Rule(PUBLIC, ANYBODY),
    Rule(f"{PUBLIC}/{{entry}}", ANYBODY),
    Rule("GET /api/{workspace_slug}/media/{file}", ANYBODY),
    # --- one's own account
    Rule("POST /auth/logout", SIGNED_IN, ends=True),
    Rule("GET /users/profile", SIGNED_IN),
    Rule("PATCH /users/profile", SIGNED_IN, body={}),
    # --- workspaces
    Rule("POST /workspaces", SIGNED_IN, 201, body={"name": "{new}"}),
    Rule("GET /workspaces", SIGNED_IN),
    Rule("GET /workspaces/{workspace}", "viewer"),
    Rule("PATCH /workspaces/{workspace}", "admin", body={"name": "{new}"}),
    Rule("DELETE /workspaces/{workspace}", "owner", ends=True),
    # --- object types
    Rule("POST /object-types", "admin", 201, body=TYPE),
    Rule("GET /object-types", "viewer", query={"workspace_id": "{workspace}"}),
    Rule("GET /object-types/{type}", "viewer"),
    Rule("PATCH /object-types/{type}", "admin", body={"name": "{new}"}),
    Rule("DELETE /object-types/{type}", "admin", ends=True),
    # --- entries
    Rule("POST /entries", "editor", 201, body=ENTRY),
    Rule("GET /entries", SIGNED_IN),
    Rule("GET /entries", "viewer", query={"object_type_id": "{type}"}),
    Rule("GET /entries", "viewer", query={"workspace_id": "{workspace}"}),
    Rule("GET /entries/{entry}", "viewer"),
    Rule("PATCH /entries/{entry}", "editor", body={"data": DATA}),
    Rule("DELETE /entries/{entry}", "editor", ends=True),
    # --- media
    Rule(
        "POST /media", "editor", 201, query={"workspace_id": "{workspace}"}, file=True
    ),
    Rule("GET /media/{file}", "viewer"),
    Rule("GET /media/{file}/content", "viewer"),
]


def expected(rule: Rule, caller: str) -> int:
    """The status that the rules promise for what is the team's."""
    if rule.least == ANYBODY:
        return rule.then
    if caller == "anonymous":
        return 401
    if rule.least == SIGNED_IN:
        return rule.then
    if caller == "stranger":
        return 404
    return rule.then if ROLES.index(caller) >= ROLES.index(rule.least) else 403


class World:
    """Two tenants: the team's workspace with a member a role, and a stranger's."""

    def __init__(self, server, stack):
        def caller(email=None):
            one = stack.enter_context(CmsClient(server.cms_url))
            return one if email is None else one.login(email)

        self.callers = {"anonymous": caller()}
        for name in ("stranger", "owner"):
            self.callers[name] = caller().register(name.title())
        owner = self.callers["owner"]
        self.at_pybase = {
            name: stack.enter_context(self.callers[name].at_pybase(server.url))
            for name in ("stranger", "owner")
        }
        self.own = self.stage("owner")
        self.foreign = self.stage("stranger")
        self.absent = {name: new_id() for name in self.own}
        for role in ROLES[:-1]:
            self.callers[role] = caller().register(role.title())
            body = {"user_id": self.callers[role].user["id"], "role": role}
            path = f"/workspaces/{self.own['workspace']}/members"
            made(self.at_pybase["owner"].post(path, json=body))
        assert owner.user["id"] not in str(self.foreign)

    def stage(self, whose):
        """A workspace with an object type and an entry."""
        client = self.callers[whose]
        workspace = client.workspace(f"Of {whose}")
        return {
            "workspace": workspace["id"],
            "workspace_slug": workspace["slug"],
            **self.type(whose, workspace["id"]),
        }

    def type(self, whose, workspace_id):
        client = self.callers[whose]
        made_type = client.object_type(
            "title",
            {"name": "picture", "type": "MEDIA"},
            workspace_id=workspace_id,
            name=f"T {new_id()}",
        )
        file = self.at_pybase[whose].upload(workspace_id)["id"]
        entry = client.entry(made_type["id"], title="Ada", picture=file)
        return {
            "type": made_type["id"],
            "type_slug": made_type["slug"],
            "entry": entry["id"],
            "file": file,
        }

    def passing(self, rule):
        """The team's things, anew where the operation ends them."""
        if not rule.ends:
            return self.own
        if "/workspaces/" in rule.operation:
            return self.own | {"workspace": self.callers["owner"].workspace()["id"]}
        return self.own | self.type("owner", self.own["workspace"])

    def ask(self, rule, caller, things):
        things = {"new": f"n {new_id()}", **things}
        method, _, path = filled(rule.operation, things).partition(" ")
        return self.callers[caller].request(
            method,
            path,
            params=filled(rule.query, things),
            json=filled(rule.body, things),
            files={"file": b"Ada"} if rule.file else None,
        )


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
    with ExitStack() as stack:
        yield World(server, stack)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_who_may_and_who_may_not(world, rule):
    statuses = {}
    for caller in CALLERS:
        succeeds = expected(rule, caller) < 400
        if rule.ends and succeeds and rule.least == SIGNED_IN:
            continue  # the session that all these tests have
        things = world.passing(rule) if succeeds else world.own
        statuses[caller] = world.ask(rule, caller, things).status_code

    assert statuses == {caller: expected(rule, caller) for caller in statuses}


@pytest.mark.parametrize("rule", [one for one in RULES if one.least in ROLES], ids=str)
def test_threat_17_what_is_anothers_answers_as_what_never_was(world, happened, rule):
    before = happened(world.foreign["workspace"]), len(happened(INSTANCE))
    theirs = world.ask(rule, "owner", world.foreign | {"new": "n"})
    nothing = world.ask(rule, "owner", world.absent | {"new": "n"})

    assert theirs.status_code == 404
    assert same_but_for_ids(theirs, world.foreign) == same_but_for_ids(
        nothing, world.absent
    )
    after = happened(world.foreign["workspace"]), len(happened(INSTANCE))
    assert after == before


def test_every_route_has_a_rule_and_every_rule_a_route(server):
    rows = {shape(f"{row.method} {row.path}") for row in server.doors.cms.routes.rows}

    assert {shape(rule.operation) for rule in RULES} == rows


def test_every_route_says_the_role_of_its_rule(server):
    """What an API key's scopes go by."""
    promised = {shape(rule.operation): rule.least for rule in RULES}
    for row in server.doors.cms.routes.rows:
        least = promised[shape(f"{row.method} {row.path}")]
        if row.public:
            assert least == ANYBODY, row.path
        else:
            said = row.role.name if row.role is not None else SIGNED_IN
            assert said == least, row.path
