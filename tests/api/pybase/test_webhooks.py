"""Webhooks over HTTP: what is told of them to whom, what is refused, what goes with
them, and that their secrets are nowhere."""

import base64
import json
import re
from hashlib import sha256
from typing import Any

import psycopg
import pytest

from commands.outbound import Guard
from commands.webhooks import addresses_of, sending_of
from tests.client import Json, made, new_id

PATH = "/webhooks"
URL = "https://hooks.example.org:80/in/7fQ-canary-path?key=canary-query"
SHORT = "https://hooks.example.org:80/…"
HEADERS = {"X-API-Key": "canary-header"}
MASK = "********"


@pytest.fixture
def table(client):
    return client.table("Name", "Email", {"name": "No", "type": "autonumber"})


@pytest.fixture(scope="module")
def kept(client):
    """A table for tests that are refused."""
    return client.table("Name", "Email", {"name": "No", "type": "autonumber"})


def outgoing(table_id, **more):
    body = {"table_id": table_id, "name": "Notify", "type": "outgoing", "url": URL}
    return body | {"events": ["record.created", "record.updated"], **more}


def incoming(table_id, **more):
    body = {"table_id": table_id, "name": "Zapier", "type": "incoming"}
    return body | {"field_mappings": {"external_name": "Name"}, **more}


def rows_of(database, table, webhook_id):
    """What the vault has of a webhook."""
    with psycopg.connect(database.owner) as connection:
        return connection.execute(
            f"SELECT * FROM vault.{table} WHERE webhook_id = %s", [webhook_id]
        ).fetchall()


# ------------------------------------------------------------------------- making


def test_a_361_and_369_an_outgoing_webhook_is_made(client, table, happened):
    before = client.position(table["workspace_id"])

    reply = client.post(PATH, json=outgoing(table["id"], headers=HEADERS))

    hook = made(reply)
    assert reply.status_code == 201
    assert reply.headers["etag"] == '"v1"'
    assert reply.headers["x-position"] == str(before + 1)
    secret = hook.pop("secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert hook == {
        "id": hook["id"],
        "workspace_id": table["workspace_id"],
        "table_id": table["id"],
        "name": "Notify",
        "type": "outgoing",
        "is_enabled": True,
        "is_paused": False,
        "disabled_reason": None,
        "needs_renewal": False,
        "events": ["record.created", "record.updated"],
        "url": URL,
        "headers": {"X-API-Key": MASK},
        "field_mappings": {},
        "created_by": client.user["id"],
        "created_at": hook["created_at"],
        "updated_at": hook["created_at"],
        "version": 1,
    }
    [(type_, data)] = happened(table["workspace_id"], before)
    assert type_ == "webhook.created"
    assert data["target"]["origin"] == "https://hooks.example.org:80"


def test_a_362_and_369_an_incoming_webhook_is_made(client, table, settings):
    reply = client.post(PATH, json=incoming(table["id"]))

    hook = made(reply)
    token = hook.pop("token")
    assert re.fullmatch(r"whk_[A-Za-z0-9_-]{43}", token)
    assert hook.pop("url") == f"{settings.pybase_url}/api/v1/webhooks/incoming/{token}"
    assert "secret" not in hook
    assert hook["type"] == "incoming"
    assert hook["field_mappings"] == {"external_name": "Name"}
    assert (hook["events"], hook["headers"]) == ([], {})
    shown = made(client.get(f"{PATH}/{hook['id']}"))
    assert shown.pop("url") == f"{settings.pybase_url}/api/v1/webhooks/incoming/…"
    assert shown == hook


def test_e_110_a_webhook_of_a_workspace_takes_the_five_events_of_content(client, table):
    events = [f"entry.{one}" for one in ("created", "updated", "deleted")]
    events += ["object_type.created", "object_type.updated"]
    body = outgoing(None, events=events, workspace_id=table["workspace_id"])

    hook = made(client.post(PATH, json=body))

    assert hook["events"] == events
    assert hook["table_id"] is None
    assert hook["workspace_id"] == table["workspace_id"]
    found = made(client.get(PATH, params={"workspace_id": table["workspace_id"]}))
    assert [one["id"] for one in found["items"]] == [hook["id"]]


def test_a_370_all_names_of_events_are_known(client, table):
    """`record.created` and `record.updated` are documented; the rest is by analogy."""
    nouns = ("record", "field", "table")
    names = [
        f"{noun}.{word}"
        for noun in nouns
        for word in ("created", "updated", "deleted", "*")
    ]

    hook = made(client.post(PATH, json=outgoing(table["id"], events=names * 2)))

    assert hook["events"] == names


WRONG = {
    "no url": {"url": None},
    "a url of another scheme": {"url": "ftp://example.org/"},
    "no host": {"url": "https:///in"},
    "no url at all": {"url": "hooks"},
    "a password in the url": {"url": "https://me:pass@example.org/"},
    "a fragment": {"url": "https://example.org/#here"},
    "a long url": {"url": "https://example.org/" + "a" * 2_030},
    "a line in the url": {"url": "https://example.org/\nhost: x"},
    "an odd address": {"url": "http://0x7f.1/"},
    "no events": {"events": []},
    "events left out": {"events": None},
    "an unknown event": {"events": ["record.moved"]},
    "an event of content": {"events": ["entry.created"]},
    "two families": {"events": ["record.created", "entry.created"]},
    "mappings": {"field_mappings": {"a": "Name"}},
    "too many headers": {"headers": {f"X-{n}": "v" for n in range(21)}},
    "a header that is none": {"headers": {"X Y": "v"}},
    "a header without a name": {"headers": {"": "v"}},
    "a header with a line": {"headers": {"X": "v\r\nHost: evil"}},
    "a header with a nul": {"headers": {"X": "v\0"}},
    "a long header": {"headers": {"X": "v" * 2_049}},
    "a header twice": {"headers": {"X-A": "1", "x-a": "2"}},
    "a header that is no text": {"headers": {"X": 7}},
    "another type": {"type": "both"},
    "no type": {"type": None},
    "no name": {"name": " "},
    "a name that is none": {"name": 7},
    "a switch that is none": {"is_enabled": "yes"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_361_what_is_none_is_refused(client, kept, happened, wrong):
    before = client.position(kept["workspace_id"])

    reply = client.post(PATH, json=outgoing(kept["id"], **wrong))

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert "example.org" not in reply.text
    assert happened(kept["workspace_id"], before) == []


def test_a_key_that_is_not_taken_is_named(client, kept, happened):
    """Whoever sends one means something by it, such as a secret of their own."""
    hook = client.webhook(kept["id"])
    path = f"{PATH}/{hook['id']}"
    before = client.position(kept["workspace_id"])
    elsewhere: Json = {
        "table_id": new_id(),
        "workspace_id": new_id(),
        "type": "incoming",
    }
    asked: list[Any] = [
        (client.post, PATH, outgoing(kept["id"]), {"secret": "whsec_canary"}),
        (client.post, PATH, incoming(kept["id"]), {"token": "whk_canary", "method": 1}),
        (client.patch, path, {"name": "New"}, {**elsewhere, "secret": "canary"}),
        (client.post, f"{path}/replay", {"from_position": 1}, {"until": 7}),
    ]

    for method, where, body, more in asked:
        reply = method(where, json=body | more)
        assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
        assert reply.json()["errors"] == [
            {
                "loc": [name],
                "msg": "Not a key that this request takes",
                "type": "extra_forbidden",
            }
            for name in more
        ]
        assert "canary" not in reply.text
    assert happened(kept["workspace_id"], before) == []
    assert client.delete(path).status_code == 204


WRONG_IN = {
    "a url": {"url": URL},
    "headers": {"headers": HEADERS},
    "events": {"events": ["record.created"]},
    "an unknown field": {"field_mappings": {"a": "Nobody"}},
    "a computed field": {"field_mappings": {"a": "No"}},
    "an empty key": {"field_mappings": {"": "Name"}},
    "a long key": {"field_mappings": {"k" * 256: "Name"}},
    "two keys of a field": {"field_mappings": {"a": "Name", "b": "Name"}},
    "a mapping that is none": {"field_mappings": ["Name"]},
}


@pytest.mark.parametrize("wrong", WRONG_IN.values(), ids=list(WRONG_IN))
def test_a_362_what_is_none_is_refused(client, kept, happened, wrong):
    before = client.position(kept["workspace_id"])

    reply = client.post(PATH, json=incoming(kept["id"], **wrong))

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(kept["workspace_id"], before) == []


def test_a_webhook_belongs_to_a_table_or_to_a_workspace(client, kept):
    both = {"table_id": kept["id"], "workspace_id": kept["workspace_id"]}
    wide = {"table_id": None, "workspace_id": kept["workspace_id"]}
    nothing = {"table_id": None}

    for more in (nothing, both, wide | {"type": "incoming", "url": None}):
        body = outgoing(None) | more
        assert client.post(PATH, json=body).status_code == 422
    assert client.get(PATH).status_code == 422
    assert client.get(PATH, params=both).status_code == 422


def test_a_mapping_may_name_a_fields_id(client, table):
    mapped = {"external": table["ids"]["Email"]}

    hook = made(client.post(PATH, json=incoming(table["id"], field_mappings=mapped)))

    assert hook["field_mappings"] == {"external": "Email"}
    client.patch(f"/fields/{table['ids']['Email']}", json={"name": "Mail"})
    shown = made(client.get(f"{PATH}/{hook['id']}"))
    assert shown["field_mappings"] == {"external": "Mail"}


def test_threat_25_a_field_of_the_same_name_does_not_revive_a_mapping(client, table):
    mapped = {"name": "Name", "email": "Email"}
    hook = made(client.post(PATH, json=incoming(table["id"], field_mappings=mapped)))
    deleted = client.delete(f"/fields/{table['ids']['Email']}")
    again = client.field(table["id"], "Email")

    def mappings():
        return made(client.get(f"{PATH}/{hook['id']}"))["field_mappings"]

    assert mappings() == {"name": "Name"}
    made(client.patch(f"/fields/{again['id']}", json={"name": "Other"}))
    undone(client, deleted)
    assert mappings() == mapped  # the very field is there again


# ------------------------------------------------------------------------ looking


def test_a_360_webhooks_of_a_table_are_listed(client, table):
    other = client.table("Name", base_id=table["base_id"], name="Other")
    first, second = (client.webhook(table["id"], name=name) for name in ("A", "B"))
    elsewhere = client.webhook(other["id"])

    page = made(client.get(PATH, params={"table_id": table["id"]}))

    assert [one["id"] for one in page["items"]] == [first["id"], second["id"]]
    assert (page["total"], page["limit"], page["offset"]) == (2, 100, 0)
    assert all("secret" not in one for one in page["items"])
    wide = made(client.get(PATH, params={"workspace_id": table["workspace_id"]}))
    ids = [first["id"], second["id"], elsewhere["id"]]
    assert [one["id"] for one in wide["items"]] == ids
    few = {"workspace_id": table["workspace_id"], "limit": 1, "offset": 1}
    assert made(client.get(PATH, params=few))["items"] == [wide["items"][1]]


def test_a_363_a_url_is_whole_to_those_who_may_change_it(client, table, member):
    viewer, admin = (
        member(table["workspace_id"], role) for role in ("viewer", "admin")
    )
    hook = made(client.post(PATH, json=outgoing(table["id"], headers=HEADERS)))

    def seen(caller):
        reply = caller.get(f"{PATH}/{hook['id']}")
        shown = made(reply)
        assert reply.headers["etag"] == '"v1"'
        assert shown["headers"] == {"X-API-Key": MASK}
        listed = made(caller.get(PATH, params={"table_id": table["id"]}))["items"]
        assert listed == [shown]
        return shown["url"]

    assert seen(client) == seen(admin) == URL
    assert seen(viewer) == SHORT


def test_a_key_that_only_reads_is_told_no_url(client, table, server):
    hook = made(client.post(PATH, json=outgoing(table["id"])))
    key = made(client.post("/users/me/api-keys", json={"scopes": ["read"]}))
    headers = {"authorization": f"Bearer {key['key']}"}

    shown = made(client.get(f"{PATH}/{hook['id']}", headers=headers))

    assert shown["url"] == SHORT


def test_a_363_what_is_not_there_is_not_found(client, stranger, table):
    hook = client.webhook(table["id"])

    for caller, webhook_id in ((client, new_id()), (stranger, hook["id"])):
        reply = caller.get(f"{PATH}/{webhook_id}")
        assert reply.status_code == 404
        assert reply.json() == {"detail": "Webhook not found", "code": "NOT_FOUND"}
    assert client.get(f"{PATH}/hook").status_code == 400


# ----------------------------------------------------------------------- changing


def test_a_364_a_webhook_is_changed(client, table, happened):
    hook = client.webhook(table["id"])
    before = client.position(table["workspace_id"])
    changes = {"name": "New", "events": ["field.*"], "is_paused": True, "url": URL}

    reply = client.patch(f"{PATH}/{hook['id']}", json=changes)

    shown = made(reply)
    assert reply.headers["etag"] == '"v2"'
    assert {name: shown[name] for name in changes} == changes
    assert shown["version"] == 2
    assert "secret" not in shown
    assert shown == made(client.get(f"{PATH}/{hook['id']}"))
    [(type_, data)] = happened(table["workspace_id"], before)
    assert type_ == "webhook.updated"
    assert sorted(data["changes"]) == ["events", "name", "paused", "target"]


def test_a_364_the_same_again_changes_nothing(client, table, happened):
    hook = client.webhook(table["id"], headers=HEADERS)
    before = client.position(table["workspace_id"])
    same = {"name": hook["name"], "url": hook["url"], "headers": HEADERS}

    reply = client.patch(f"{PATH}/{hook['id']}", json=same)

    assert reply.headers["etag"] == '"v1"'
    assert happened(table["workspace_id"], before) == []


def test_a_364_a_header_that_is_hidden_stays_as_it_is(client, table, server):
    hook = client.webhook(table["id"], headers={"X-A": "one", "X-B": "two"})

    reply = client.patch(
        f"{PATH}/{hook['id']}", json={"headers": {"x-a": MASK, "X-C": "three"}}
    )

    assert made(reply)["headers"] == {"x-a": MASK, "X-C": MASK}
    address = address_of(server, hook["id"])
    assert address.headers == {"x-a": "one", "X-C": "three"}
    assert address.url == hook["url"]
    unknown = {"headers": {"X-New": MASK}}
    assert client.patch(f"{PATH}/{hook['id']}", json=unknown).status_code == 422
    gone = made(client.patch(f"{PATH}/{hook['id']}", json={"headers": None}))
    assert gone["headers"] == {}


def address_of(server, webhook_id):
    """What a delivery would be sent with."""
    system = server.system
    catalog = server.run(
        system.reader.load(system.reader.catalogs.workspace_of(webhook_id))
    )
    target_id = catalog.webhooks[webhook_id].target_id
    found = server.run(addresses_of(system.reader, system.sealing, [target_id]))
    return found[target_id]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": None},
        {"url": "gopher://example.org"},
        {"events": []},
        {"events": None},
        {"events": ["entry.*"]},
        {"headers": {"Host": "x"}},
        {"name": None},
        {"is_enabled": None},
        {"field_mappings": {"a": "Name"}},
    ],
    ids=str,
)
def test_a_364_what_is_none_is_refused(client, kept, happened, wrong):
    hook = client.webhook(kept["id"])
    before = client.position(kept["workspace_id"])

    reply = client.patch(f"{PATH}/{hook['id']}", json=wrong)

    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert happened(kept["workspace_id"], before) == []
    assert client.delete(f"{PATH}/{hook['id']}").status_code == 204


def test_a_364_of_an_incoming_one_mappings_are_put_whole(client, table):
    hook = client.webhook(table["id"], type="incoming", field_mappings={"a": "Name"})
    path = f"{PATH}/{hook['id']}"

    mapped = made(client.patch(path, json={"field_mappings": {"b": "Email"}}))

    assert mapped["field_mappings"] == {"b": "Email"}
    assert client.patch(path, json={"url": URL}).status_code == 422
    assert client.patch(path, json={"headers": HEADERS}).status_code == 422
    assert (
        made(client.patch(path, json={"field_mappings": None}))["field_mappings"] == {}
    )


def test_a_364_if_match_names_the_version(client, table):
    hook = client.webhook(table["id"])
    path, old = f"{PATH}/{hook['id']}", {"if-match": '"v7"'}

    for reply in (
        client.patch(path, json={"name": "New"}, headers=old),
        client.post(f"{path}/rotate-secret", headers=old),
        client.delete(path, headers=old),
    ):
        assert (reply.status_code, reply.json()["code"]) == (412, "VERSION_MISMATCH")
    assert client.patch(
        path, json={"name": "New"}, headers={"if-match": '"v1"'}
    ).is_success


NOT_CALLED = {
    "https://127.0.0.1/": "127.0.0.1 is not a public address",
    "http://169.254.169.254/latest": "169.254.169.254 is not a public address",
    "https://[::ffff:10.0.0.1]/": "::ffff:a00:1 is not a public address",
    "https://example.org:25/": "This server does not call port 25",
}


@pytest.mark.parametrize(("url", "said"), NOT_CALLED.items())
def test_threat_60_an_address_that_is_not_called_is_refused_at_once(
    client, kept, happened, url, said
):
    hook = client.webhook(kept["id"])
    before = client.position(kept["workspace_id"])

    replies = (
        client.post(PATH, json=outgoing(kept["id"], url=url)),
        client.patch(f"{PATH}/{hook['id']}", json={"url": url}),
    )

    for reply in replies:
        assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
        assert reply.json()["field"] == "url"
        assert reply.json()["detail"].startswith(said)
    assert happened(kept["workspace_id"], before) == []
    assert client.delete(f"{PATH}/{hook['id']}").status_code == 204


def test_an_address_that_is_called_no_more_may_stay_and_come_back(
    client, table, server, monkeypatch
):
    """Sending refuses it then."""
    allowing = Guard(["10.0.0.0/8"], ports=[8080])
    old, path = "http://10.0.0.7:8080/in", PATH
    with monkeypatch.context() as once:
        once.setattr(server.system.outbound, "guard", allowing)
        hook = client.webhook(table["id"], url=old)
        path = f"{PATH}/{hook['id']}"
    kept_as_it_is = client.patch(path, json={"headers": HEADERS})
    moved = client.patch(path, json={"url": URL})
    undone(client, moved)

    assert made(kept_as_it_is)["url"] == old
    assert made(client.get(path))["url"] == old
    assert client.patch(path, json={"url": old}).status_code == 422


# --------------------------------------------------------------- secrets and tokens


def test_a_367_the_old_token_is_nobodys_any_more(client, table, database):
    hook = client.webhook(table["id"], type="incoming")

    reply = client.post(f"{PATH}/{hook['id']}/regenerate-token")

    shown = made(reply)
    assert reply.status_code == 200
    assert shown["token"] != hook["token"]
    assert shown["url"].endswith(f"/webhooks/incoming/{shown['token']}")
    assert shown["version"] == 2
    [(_, _, digest)] = rows_of(database, "webhook_tokens", hook["id"])
    assert digest == sha256(shown["token"].encode()).digest()


def test_a_367_an_outgoing_one_has_no_token_and_an_incoming_one_no_secret(
    client, kept, happened
):
    out, receiver = (
        client.webhook(kept["id"]),
        client.webhook(kept["id"], type="incoming"),
    )
    before = client.position(kept["workspace_id"])

    for hook, word in ((out, "regenerate-token"), (receiver, "rotate-secret")):
        reply = client.post(f"{PATH}/{hook['id']}/{word}")
        assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")
    assert happened(kept["workspace_id"], before) == []


def test_a_secret_is_rotated_and_the_one_before_it_ends_later(client, table, server):
    hook = client.webhook(table["id"])
    path = f"{PATH}/{hook['id']}/rotate-secret"

    second, third = (made(client.post(path))["secret"] for _ in range(2))

    assert len({hook["secret"], second, third}) == 3
    system = server.system
    target_id = system.reader.catalogs[table["workspace_id"]].webhooks[hook["id"]]
    sending = server.run(
        sending_of(system.reader, system.sealing, hook["id"], target_id.target_id)
    )
    assert sending.secrets == [third, second, hook["secret"]]
    assert sending.address.url == hook["url"]


@pytest.mark.parametrize(
    ("kind", "word"), [("outgoing", "rotate-secret"), ("incoming", "regenerate-token")]
)
def test_a_reply_with_a_secret_is_not_kept(client, table, happened, kind, word):
    headers = {"idempotency-key": f"once-{new_id()}"}
    body = outgoing(table["id"]) if kind == "outgoing" else incoming(table["id"])
    hook = made(client.post(PATH, json=body, headers=headers))
    other = {"idempotency-key": f"once-{new_id()}"}
    assert client.post(f"{PATH}/{hook['id']}/{word}", headers=other).is_success
    before = happened(table["workspace_id"])

    for again in (
        client.post(PATH, json=body, headers=headers),
        client.post(f"{PATH}/{hook['id']}/{word}", headers=other),
    ):
        assert (again.status_code, again.json()["code"]) == (
            409,
            "SECRET_ALREADY_SHOWN",
        )
        assert again.json()["id"] == hook["id"]
    assert happened(table["workspace_id"]) == before


def test_the_reply_to_a_change_that_is_kept_tells_the_url_in_short(client, table):
    hook = client.webhook(table["id"])
    headers = {"idempotency-key": f"once-{new_id()}"}

    first, again = (
        client.patch(f"{PATH}/{hook['id']}", json={"url": URL}, headers=headers)
        for _ in range(2)
    )

    assert made(first)["url"] == SHORT
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert made(client.get(f"{PATH}/{hook['id']}"))["url"] == URL


# ------------------------------------------------------------ deletion, undo, redo


def test_a_365_and_threat_73_a_deletion_ends_its_secrets(client, table, database):
    out = client.webhook(table["id"])
    receiver = client.webhook(table["id"], type="incoming")
    assert rows_of(database, "webhook_secrets", out["id"])
    assert rows_of(database, "webhook_tokens", receiver["id"])

    for hook in (out, receiver):
        assert client.delete(f"{PATH}/{hook['id']}").status_code == 204
        assert client.delete(f"{PATH}/{hook['id']}").status_code == 404
        assert client.get(f"{PATH}/{hook['id']}").status_code == 404
        assert client.patch(f"{PATH}/{hook['id']}", json={}).status_code == 404

    assert rows_of(database, "webhook_secrets", out["id"]) == []
    assert rows_of(database, "webhook_tokens", receiver["id"]) == []
    found = made(client.get(PATH, params={"table_id": table["id"]}))
    assert found["items"] == []


def undone(client, reply):
    body = {"scope": "batch", "id": reply.headers["x-batch-id"]}
    return made(client.post("/undo", json=body))


@pytest.mark.parametrize(
    ("kind", "word", "told"),
    [
        ("outgoing", "rotate-secret", "secret"),
        ("incoming", "regenerate-token", "token"),
    ],
)
def test_a_deletion_that_is_undone_brings_it_back_dead(client, table, kind, word, told):
    hook = client.webhook(table["id"], type=kind)
    path = f"{PATH}/{hook['id']}"

    undone(client, client.delete(path))

    back = made(client.get(path))
    assert back["needs_renewal"] is True
    assert back["name"] == hook["name"]
    renewed = made(client.post(f"{path}/{word}"))
    assert renewed["needs_renewal"] is False
    assert renewed[told] != hook[told]


def test_a_creation_that_is_undone_ends_its_secrets_too(client, table, database):
    reply = client.post(PATH, json=outgoing(table["id"]))
    hook = made(reply)

    taken_back = undone(client, reply)

    assert client.get(f"{PATH}/{hook['id']}").status_code == 404
    assert rows_of(database, "webhook_secrets", hook["id"]) == []
    made(client.post("/redo", json={"batch_id": taken_back["batch_id"]}))
    back = made(client.get(f"{PATH}/{hook['id']}"))
    assert (back["needs_renewal"], back["url"]) == (True, URL)


def test_a_change_that_is_undone_brings_the_url_back(client, table, server):
    hook = client.webhook(table["id"], headers={"X-A": "one"})
    path = f"{PATH}/{hook['id']}"
    changed = client.patch(path, json={"url": URL, "headers": {}, "name": "New"})

    undone(client, changed)

    back = made(client.get(path))
    assert (back["url"], back["name"]) == (hook["url"], hook["name"])
    assert address_of(server, hook["id"]).headers == {"X-A": "one"}


def test_a_new_secret_cannot_be_taken_back(client, table):
    hook = client.webhook(table["id"])
    rotated = client.post(f"{PATH}/{hook['id']}/rotate-secret")

    taken_back = undone(client, rotated)

    assert taken_back["undone"] == []
    assert len(taken_back["irreversible"]) == 1


def test_a_webhook_goes_and_comes_with_its_table(client, table, database):
    hook = client.webhook(table["id"])

    deleted = client.delete(f"/tables/{table['id']}")

    assert client.get(f"{PATH}/{hook['id']}").status_code == 404
    wide = {"workspace_id": table["workspace_id"]}
    assert made(client.get(PATH, params=wide))["items"] == []
    undone(client, deleted)
    back = made(client.get(f"{PATH}/{hook['id']}"))
    assert back["needs_renewal"] is False
    assert len(rows_of(database, "webhook_secrets", hook["id"])) == 1


def test_a_table_that_got_a_webhook_since_is_not_undone(client, table):
    made_since = client.webhook(table["id"])
    about = {"workspace_id": table["workspace_id"], "resource": table["id"]}
    first = made(client.get("/audit", params=about))["items"][-1]

    reply = client.post("/undo", json={"scope": "batch", "id": first["batch_id"]})

    assert (reply.status_code, reply.json()["code"]) == (409, "UNDO_CONFLICT")
    assert client.get(f"{PATH}/{made_since['id']}").is_success


# ------------------------------------------------------------ what is told of them


def test_a_tables_history_tells_of_its_webhooks(client, table):
    receiver = client.webhook(
        table["id"], type="incoming", name="In", field_mappings={"who": "Name"}
    )
    hook = client.webhook(table["id"])
    path = f"{PATH}/{hook['id']}"
    client.patch(path, json={"url": URL, "is_paused": True, "name": "New"})
    client.post(f"{path}/rotate-secret")
    client.delete(path)

    history = made(client.get(f"/tables/{table['id']}/history"))["items"]

    told = [(one["type"], one["changes"]) for one in history[:5]]
    assert [one["resource"]["name"] for one in history[:5]] == ["New"] * 4 + ["In"]
    assert told == [
        ("webhook.deleted", {"name": {"from": "New", "to": None}}),
        ("webhook.renewed", {}),
        (
            "webhook.updated",
            {
                "name": {"from": "Hook", "to": "New"},
                "url": {"from": "https://hooks.example.org/…", "to": SHORT},
                "is_paused": {"from": False, "to": True},
            },
        ),
        (
            "webhook.created",
            {
                "name": {"from": None, "to": "Hook"},
                "type": {"from": None, "to": "outgoing"},
                "events": {"from": None, "to": ["record.*"]},
                "field_mappings": {"from": None, "to": {}},
                "url": {"from": None, "to": "https://hooks.example.org/…"},
                "is_enabled": {"from": None, "to": True},
                "is_paused": {"from": None, "to": False},
            },
        ),
        (
            "webhook.created",
            {
                "name": {"from": None, "to": "In"},
                "type": {"from": None, "to": "incoming"},
                "events": {"from": None, "to": []},
                "field_mappings": {"from": None, "to": {"who": "Name"}},
                "is_enabled": {"from": None, "to": True},
                "is_paused": {"from": None, "to": False},
            },
        ),
    ]
    query = {"workspace_id": table["workspace_id"], "resource": table["id"]}
    audit = made(client.get("/audit", params=query))["items"]
    named = {"kind": "webhook", "id": receiver["id"], "name": "In"}
    assert named in [one["resource"] for one in audit]


def test_threat_111_no_secret_of_a_webhook_is_anywhere(client, table, database, caplog):
    """But for the vault, where addresses and signing secrets are sealed."""
    keyed = {"idempotency-key": f"once-{new_id()}"}
    hook = made(
        client.post(PATH, json=outgoing(table["id"], headers=HEADERS), headers=keyed)
    )
    receiver = client.webhook(table["id"], type="incoming")
    path = f"{PATH}/{hook['id']}"
    moved = {"url": f"{URL}&again", "headers": {"X-Other": "canary-other"}}
    client.patch(path, json=moved, headers={"idempotency-key": f"once-{new_id()}"})
    rotated = made(client.post(f"{path}/rotate-secret"))
    regenerated = made(client.post(f"{PATH}/{receiver['id']}/regenerate-token"))
    client.get(path)
    client.post(PATH, json=outgoing(table["id"], headers=HEADERS, events=["no"]))
    client.delete(path)
    canaries = [
        "canary-path",
        "canary-query",
        "canary-header",
        "canary-other",
        *(one[12:36] for one in (hook["secret"], rotated["secret"])),
        *(one["token"][8:40] for one in (receiver, regenerated)),
    ]

    with psycopg.connect(database.owner) as connection:
        tables = connection.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables"
            " WHERE schemaname IN ('ledger', 'vault', 'catalog', 'hooks')"
        ).fetchall()
        for (name,) in tables:
            for canary in canaries:
                spelled = [f"%{canary}%", f"%{canary.encode().hex()}%"]
                found = connection.execute(
                    f"SELECT 1 FROM {name} AS t WHERE t::text LIKE ANY (%s)", [spelled]
                ).fetchall()
                assert found == [], (name, canary)
    about = {"workspace_id": table["workspace_id"]}
    said = "".join(
        [
            caplog.text,
            client.get(f"/tables/{table['id']}/history").text,
            client.get("/audit", params=about).text,
            client.get("/events", params={**about, "limit": 1000}).text,
            client.get("/metrics").text,
            json.dumps(made(client.get(PATH, params=about))),
        ]
    )
    assert [one for one in canaries if one in said] == []


REFUSED = [
    "Host",
    "host",
    "Content-Length",
    "content-length",
    "Transfer-Encoding",
    "TRANSFER-ENCODING",
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Upgrade",
    "webhook-id",
    "Webhook-Timestamp",
    "WEBHOOK-SIGNATURE",
]


def test_threat_70_headers_that_are_not_its_own_are_refused(client, kept, happened):
    before = client.position(kept["workspace_id"])

    for name in REFUSED:
        body = outgoing(kept["id"], headers={name: "7"})
        reply = client.post(PATH, json=body)
        assert reply.status_code == 422, name
        assert reply.json()["field"] == "headers"
    assert happened(kept["workspace_id"], before) == []


def test_threat_70_no_value_of_a_header_is_ever_shown_again(client, table, member):
    viewer = member(table["workspace_id"], "viewer")
    hook = made(client.post(PATH, json=outgoing(table["id"], headers=HEADERS)))

    for caller in (client, viewer):
        one = caller.get(f"{PATH}/{hook['id']}")
        all_ = caller.get(PATH, params={"table_id": table["id"]})
        assert made(one)["headers"] == {"X-API-Key": MASK}
        assert "canary-header" not in one.text + all_.text


SAID = [
    ({"headers": {"X-Key": "gr\u00fcn"}}, "The value of the header X-Key has a char"),
    ({"headers": {"X-Key": "a "}}, "The value of the header X-Key has a character"),
    ({"headers": {"X Key": "a"}}, "A header's name has letters, digits and hyphens"),
    ({"headers": {"User-Agent": "a"}}, "The header User-Agent is this server's own"),
    ({"headers": {"webhook-id": "a"}}, "The header webhook-id is this server's own"),
    ({"url": "https://example.org:0/"}, "The URL's port is not one of 1 to 65535"),
    ({"url": "https://example.org:99999"}, "The URL's port is not one of 1 to 65535"),
    ({"url": "https://b\u00fccher.example"}, "The URL's host is missing or misspelled"),
    ({"url": "https://[::1"}, "The URL cannot be read"),
]


@pytest.mark.parametrize(("more", "said"), SAID, ids=lambda one: str(one)[:40])
def test_a_refusal_says_what_is_wrong(client, kept, more, said):
    reply = client.post(PATH, json=outgoing(kept["id"], **more))

    assert reply.status_code == 422
    assert reply.json()["detail"].startswith(said)
