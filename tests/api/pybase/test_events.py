"""One event by its id, what caused it and what it led to."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from commands.unit import Origin, Reply
from commands.write import Prepared, submit
from domain.base import CreateBase
from domain.events import Actor
from domain.ids import BaseId, WorkspaceId
from tests.client import ABSENT, made, new_id


def feed(client, workspace_id):
    found = made(client.get("/events", params={"workspace_id": workspace_id}))
    return found["items"]


def chain(client, event, way, **query):
    return made(client.get(f"/events/{event['id']}/{way}", params=query))


@pytest.fixture
def table(client):
    return client.table("Name")


@pytest.fixture
def caused(server, client):
    """`caused(workspace_id, cause)`: the event of a new base that something caused."""

    def caused(workspace_id, cause):
        base_id = new_id()
        origin = Origin(
            Actor("user", client.user["id"]), "system", "test", causation_id=cause
        )
        command = CreateBase(BaseId(base_id), "Caused", None, None)
        prepared = Prepared([command], lambda _: Reply(201, b""))
        server.run(submit(server.system, origin, WorkspaceId(workspace_id), prepared))
        return feed(client, workspace_id)[-1]

    return caused


# ------------------------------------------------------------------- one event


def test_nobody_reads_an_event(anonymous):
    assert anonymous.get(f"/events/{ABSENT}").status_code == 401


@pytest.mark.parametrize("way", ["", "/causes", "/effects"])
def test_an_event_of_another_tenant_is_not_there(client, stranger, table, way):
    event = feed(client, table["workspace_id"])[0]
    foreign = stranger.get(f"/events/{event['id']}{way}")
    absent = stranger.get(f"/events/{ABSENT}{way}")

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert foreign.content == absent.content


@pytest.mark.parametrize(
    "event_id", [new_id(), "ffffffff-ffff-7fff-bfff-ffffffffffff"], ids=["v4", "last"]
)
def test_an_id_that_is_no_events_is_not_there(client, table, event_id):
    assert client.get(f"/events/{event_id}").status_code == 404


def test_what_is_no_id_is_malformed(client):
    reply = client.get("/events/7")

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


def test_every_event_is_found_by_its_id(client, table):
    """Also those that many writers made within one millisecond."""
    with ThreadPoolExecutor(8) as pool:
        for _ in range(6):
            pool.submit(client.record, table["id"], Name="x")
            pool.submit(
                client.records, table["id"], *[{"Name": str(n)} for n in range(7)]
            )
    items = feed(client, table["workspace_id"])

    assert len(items) == 5 + 6 * 8
    for one in items:
        assert made(client.get(f"/events/{one['id']}")) == one


def test_an_id_beside_those_of_a_batch_is_not_there(client, table):
    client.records(table["id"], *[{} for _ in range(5)])
    first = feed(client, table["workspace_id"])[5]["id"]
    number = int(first.replace("-", ""), 16) - 1
    text = f"{number:032x}"
    beside = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    assert client.get(f"/events/{beside}").status_code == 404


def test_who_left_does_not_find_it_any_more(client, newcomer, table):
    added = client.add_member(table["workspace_id"], newcomer, "viewer")
    event = feed(client, table["workspace_id"])[0]
    before = newcomer.get(f"/events/{event['id']}")
    client.delete(f"/workspaces/{table['workspace_id']}/members/{added['id']}")

    assert before.status_code == 200
    assert newcomer.get(f"/events/{event['id']}").status_code == 404


# ------------------------------------------------------------------- the chain


def test_an_event_of_its_own_has_no_chain(client, table):
    event = feed(client, table["workspace_id"])[0]

    for way in ("causes", "effects"):
        assert chain(client, event, way) == {"items": [], "next": None}


def test_an_undo_is_caused_by_the_batch_that_it_takes_back(client, table):
    client.records(table["id"], {"Name": "a"}, {"Name": "b"})
    batch = feed(client, table["workspace_id"])[-1]["batch_id"]
    undone = made(client.post("/undo", json={"scope": "batch", "id": batch}))
    redone = made(client.post("/redo", json={"batch_id": undone["batch_id"]}))
    items = feed(client, table["workspace_id"])
    created, deleted, restored = items[-8:-6], items[-6:-3], items[-3:]

    assert redone["batch_id"] == restored[0]["batch_id"]
    # of a batch as a cause each event is one, and of a batch as an effect
    assert chain(client, created[1], "effects")["items"] == [*deleted, *restored]
    assert chain(client, deleted[0], "effects")["items"] == restored
    assert chain(client, deleted[1], "causes")["items"] == created[::-1]
    assert chain(client, restored[0], "causes")["items"] == [
        *deleted[::-1],
        *created[::-1],
    ]


def test_what_one_event_caused_is_no_effect_of_its_neighbour(client, caused, table):
    client.records(table["id"], {"Name": "a"}, {"Name": "b"})
    one, other = feed(client, table["workspace_id"])[-2:]
    base = caused(table["workspace_id"], one["id"])
    after = caused(table["workspace_id"], base["id"])

    assert chain(client, one, "effects")["items"] == [base, after]
    assert chain(client, other, "effects")["items"] == []
    assert chain(client, after, "causes")["items"] == [base, one]


def test_a_chain_is_read_in_pages(client, caused, table):
    event = feed(client, table["workspace_id"])[-1]
    effects = [event]
    for _ in range(3):
        effects.append(caused(table["workspace_id"], effects[-1]["id"]))
    first = chain(client, event, "effects", limit=2)
    rest = chain(client, event, "effects", limit=2, after=first["next"])
    up = chain(client, effects[-1], "causes", limit=2)
    top = chain(client, effects[-1], "causes", limit=2, after=up["next"])

    assert first["items"] + rest["items"] == effects[1:]
    assert up["items"] + top["items"] == effects[-2::-1]
    assert (rest["next"], top["next"]) == (None, None)


def test_a_cause_that_is_not_there_ends_the_chain(client, caused, table):
    event = caused(table["workspace_id"], ABSENT)

    assert chain(client, event, "causes") == {"items": [], "next": None}


def test_a_cause_in_another_workspace_is_not_told(client, stranger, caused, table):
    theirs = feed(stranger, stranger.workspace()["id"])[0]
    event = caused(table["workspace_id"], theirs["id"])

    assert chain(client, event, "causes")["items"] == []
    assert chain(stranger, theirs, "effects")["items"] == []


@pytest.mark.parametrize("way", ["causes", "effects"])
@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"after": "x"}])
def test_a_chain_that_is_none_is_refused(client, table, way, query):
    event = feed(client, table["workspace_id"])[0]
    reply = client.get(f"/events/{event['id']}/{way}", params=query)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
