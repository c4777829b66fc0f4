"""What is sent to an incoming webhook: a record of its table, made once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.limits import Rate
from api.pybase import incoming
from tests.client import Client, from_, made, new_id

NOT_FOUND = {"detail": "Webhook not found", "code": "NOT_FOUND"}


@pytest.fixture
def people(client):
    """A table of its own workspace; the name is required, the address unique."""
    table = client.table(
        {"name": "Name", "type": "text", "required": True},
        {"name": "Email", "type": "email"},
        {"name": "Age", "type": "number"},
        {"name": "Extra", "type": "json"},
        {"name": "Number", "type": "autonumber"},
    )
    client.constraint(table["ids"]["Email"])
    return table


def hook(client, table, mappings=None, **more):
    body = {"name": "In", "table_id": table["id"], "type": "incoming", **more}
    if mappings:
        body["field_mappings"] = mappings
    return made(client.post("/webhooks", json=body))


def send(caller, hook, body=None, **headers):
    """Sends a message as its sender would: without a right of its own."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.post(
        f"/webhooks/incoming/{hook['token']}",
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers=named,
    )


def records(client, table):
    reply = client.get("/records", params={"table_id": table["id"]})
    return [one["fields"] for one in made(reply)["items"]]


MAPPED = {"external_name": "Name", "external_email": "Email"}


# ------------------------------------------------------------------ who may send


@pytest.mark.parametrize(
    "token",
    [
        "test",
        "x",
        "incoming",
        "whk_",
        "whk_" + "A" * 42,
        "whk_" + "A" * 43,
        "whk_" + "'" * 43,
        "whk_" + "%C3%BC" * 43,
        "%00" * 47,
        "A" * 5000,
    ],
)
def test_p_14_a_token_that_is_none_is_not_found(anonymous, token):
    reply = anonymous.post(f"/webhooks/incoming/{token}", json={"Name": "Ada"})

    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)


def test_threat_68_a_token_that_was_renewed_is_as_one_that_never_was(
    client, anonymous, people
):
    one = hook(client, people)
    again = made(client.post(f"/webhooks/{one['id']}/regenerate-token"))

    old = send(anonymous, one, {"Name": "Ada"})
    none = send(anonymous, {"token": "whk_" + "A" * 43}, {"Name": "Ada"})

    assert (old.status_code, old.content) == (none.status_code, none.content)
    assert set(old.headers) == set(none.headers)
    assert old.json() == NOT_FOUND
    assert send(anonymous, {**one, **again}, {"Name": "Ada"}).status_code == 200


@pytest.mark.parametrize(
    "gone", ["off", "deleted", "brought back", "its table", "its workspace"]
)
def test_what_takes_nothing_is_not_found(client, anonymous, people, gone):
    one = hook(client, people)
    assert send(anonymous, one, {"Name": "Ada"}, webhook_id="msg_1").status_code == 200
    path = f"/webhooks/{one['id']}"
    if gone == "off":
        made(client.patch(path, json={"is_enabled": False}))
    elif gone == "its table":
        assert client.delete(f"/tables/{people['id']}").status_code == 204
    elif gone == "its workspace":
        gone_with = client.delete(f"/workspaces/{people['workspace_id']}")
        assert gone_with.status_code == 204
    else:
        assert client.delete(path).status_code == 204
    if gone == "brought back":
        asked = {"scope": "latest", "workspace_id": people["workspace_id"]}
        made(client.post("/undo", json=asked))

    for name, id in (("Bob", "msg_2"), ("Ada", "msg_1")):
        reply = send(anonymous, one, {"Name": name}, webhook_id=id)
        assert (reply.status_code, reply.json()) == (404, NOT_FOUND)


def test_a_paused_one_is_come_back_to(client, anonymous, people):
    one = hook(client, people, is_paused=True)

    reply = send(anonymous, one, {"Name": "Ada"}, webhook_id="msg_1")

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "60")
    assert reply.json()["code"] == "SERVICE_UNAVAILABLE"
    made(client.patch(f"/webhooks/{one['id']}", json={"is_paused": False}))
    assert send(anonymous, one, {"Name": "Ada"}, webhook_id="msg_1").status_code == 200
    assert [each["Name"] for each in records(client, people)] == ["Ada"]


def test_an_outgoing_ones_secret_is_no_token(client, anonymous, people):
    body = {
        "name": "Out",
        "table_id": people["id"],
        "type": "outgoing",
        "url": "https://example.org/in",
        "events": ["record.created"],
    }
    out = made(client.post("/webhooks", json=body))

    for token in (out["secret"], out["id"]):
        assert send(anonymous, {"token": token}, {"Name": "Ada"}).status_code == 404


# ------------------------------------------------------------------ what becomes of it


def test_a_368_a_message_becomes_a_record(client, anonymous, people, recorded_events):
    one = hook(client, people, MAPPED)
    after = client.position(people["workspace_id"])

    reply = send(
        anonymous,
        one,
        {"external_name": "John Doe", "external_email": "john@example.com"},
    )

    assert reply.status_code == 200
    told = reply.json()
    record_id = told.pop("record_id")
    assert told == {
        "success": True,
        "webhook_id": one["id"],
        "message": "Record created",
    }
    record = made(client.get(f"/records/{record_id}"))
    assert record["fields"]["Name"] == "John Doe"
    assert record["fields"]["Email"] == "john@example.com"
    assert record["fields"]["Number"] == 1
    (event,) = recorded_events(people["workspace_id"], after)
    assert event["type"] == "record.created"
    assert event["actor"] == {"kind": "webhook", "id": one["id"]}
    assert event["surface"] == "pybase"


def test_threat_68_keys_that_are_not_mapped_are_left_out(client, anonymous, people):
    one = hook(client, people, MAPPED)

    reply = send(
        anonymous,
        one,
        {"external_name": "Ada", "Age": 36, "id": new_id(), "else": {"deep": [1]}},
    )

    assert reply.status_code == 200
    (found,) = records(client, people)
    assert (found["Name"], found["Age"]) == ("Ada", None)


def test_without_mappings_keys_are_the_fields_names(client, anonymous, people):
    one = hook(client, people)
    ids = people["ids"]

    reply = send(anonymous, one, {"Name": "Ada", "Age": 36, "else": 1, ids["Email"]: 2})

    assert reply.status_code == 200
    (found,) = records(client, people)
    assert (found["Name"], found["Age"], found["Email"]) == ("Ada", 36, None)


def test_a_message_of_which_nothing_is_known_makes_no_empty_record(
    client, anonymous, people
):
    one = hook(client, people, MAPPED)

    for body in ({}, {"ping": True}, {"Name": "Ada"}):
        reply = send(anonymous, one, body)
        assert reply.status_code == 422
        assert reply.json()["detail"] == "No key of the body is a field's"


def test_what_is_wrong_is_told_with_the_senders_keys(client, anonymous, people):
    one = hook(client, people, {"who": "Name", "mail": "Email", "years": "Age"})

    reply = send(anonymous, one, {"mail": "none", "years": {"n": 1}})

    assert reply.status_code == 422
    assert set(reply.json()) == {"detail", "code", "errors"}
    told = {
        (error["loc"][0], error["key"], error["type"])
        for error in reply.json()["errors"]
    }
    assert {(field, key) for field, key, _ in told} == {
        ("Name", "who"),
        ("Email", "mail"),
        ("Age", "years"),
    }
    assert records(client, people) == []


def test_a_value_that_is_there_already_is_told_with_the_senders_key(
    client, anonymous, people
):
    one = hook(client, people, MAPPED)
    body = {"external_name": "Ada", "external_email": "ada@example.org"}
    assert send(anonymous, one, body).status_code == 200

    reply = send(anonymous, one, body)

    assert reply.status_code == 409
    told = reply.json()
    assert told["code"] == "DUPLICATE_VALUE"
    assert (told["field"], told["key"]) == ("Email", "external_email")
    assert "index" not in told


def test_threat_68_a_field_that_takes_no_value_takes_none(client, anonymous, people):
    one = hook(client, people)

    reply = send(anonymous, one, {"Name": "Ada", "Number": 7})

    assert reply.status_code == 422
    (error,) = reply.json()["errors"]
    assert (error["loc"], error["msg"]) == (["Number"], "Field is read-only")


def test_a_value_of_any_depth_is_taken_where_the_field_takes_it(
    client, anonymous, people
):
    one = hook(client, people, {"who": "Name", "all": "Extra"})

    reply = send(
        anonymous, one, b'{"who": "Ada", "all": {"a": [1, 12345678901234567890]}}'
    )

    assert reply.status_code == 200
    (found,) = records(client, people)
    assert found["Extra"] == {"a": [1, 12345678901234567890]}


def test_a_mapping_follows_its_field(client, anonymous, people):
    one = hook(client, people, MAPPED)
    ids = people["ids"]
    made(client.patch(f"/fields/{ids['Name']}", json={"name": "Full name"}))
    assert client.delete(f"/fields/{ids['Email']}").status_code == 204

    reply = send(anonymous, one, {"external_name": "Ada", "external_email": "none"})

    assert reply.status_code == 200
    (found,) = records(client, people)
    assert found["Full name"] == "Ada"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"a=b", 400),
        (b"[1]", 422),
        (b'"x"', 422),
        (b"1", 422),
        (b'{"Name": NaN}', 400),
        (b'{"Name": "\\ud800"}', 422),
        (b"[" * 100_000, 400),
    ],
)
def test_threat_68_what_is_no_object_is_refused(
    client, anonymous, people, body, status
):
    assert send(anonymous, hook(client, people), body).status_code == status
    assert records(client, people) == []


@pytest.mark.parametrize(
    "type", ["text/plain", "application/cloudevents+json", "application/json", ""]
)
def test_a_body_is_json_whatever_it_is_called(client, anonymous, people, type):
    one = hook(client, people)

    assert send(anonymous, one, {"Name": "Ada"}, content_type=type).status_code == 200


def test_threat_68_a_body_has_a_million_bytes_at_most(client, anonymous, people):
    one = hook(client, people)
    empty = len(json.dumps({"Name": "Ada", "else": ""}))
    fits = {"Name": "Ada", "else": "x" * (incoming.LARGEST - empty)}

    assert send(anonymous, one, fits).status_code == 200
    fits["else"] += "x"
    assert send(anonymous, one, fits).status_code == 413
    parts = iter([json.dumps(fits).encode()])  # without a length that is said before
    path = f"/webhooks/incoming/{one['token']}"
    assert anonymous.post(path, content=parts).status_code == 413
    assert len(records(client, people)) == 1


# ------------------------------------------------------------------ once


@pytest.mark.parametrize("name", ["webhook_id", "Idempotency_Key"])
def test_threat_68_a_message_that_comes_again_makes_nothing(
    client, anonymous, people, name
):
    one, other = hook(client, people), hook(client, people)
    first = send(anonymous, one, {"Name": "Ada"}, **{name: "msg_1"})

    again = send(anonymous, one, {"Name": "Ada"}, **{name: "msg_1"})

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(records(client, people)) == 1
    # ids are the sender's own: another webhook's are others
    assert send(anonymous, other, {"Name": "B"}, **{name: "msg_1"}).status_code == 200
    assert len(records(client, people)) == 2


def test_an_id_is_the_message_and_a_key_is_the_request(client, anonymous, people):
    one = hook(client, people)
    send(anonymous, one, {"Name": "Ada"}, idempotency_key="k")
    send(anonymous, one, {"Name": "Ada"}, webhook_id="msg_2")

    told = send(anonymous, one, {"Name": "Ada", "Age": 1}, webhook_id="msg_2")
    other = send(anonymous, one, {"Name": "Bob"}, idempotency_key="k")

    assert (told.status_code, told.headers["idempotency-replayed"]) == (200, "true")
    assert other.status_code == 422
    assert other.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(records(client, people)) == 2


def test_with_an_id_no_key_counts(client, anonymous, people):
    one = hook(client, people)

    def sent(id, key, body):
        return send(anonymous, one, body, webhook_id=id, idempotency_key=key)

    first = sent("msg_1", "one", {"Name": "Ada"})
    again = sent("msg_1", "another", {"Name": "Ada"})
    other = sent("msg_2", "one", {"Name": "Bob"})

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 200
    assert sorted(each["Name"] for each in records(client, people)) == ["Ada", "Bob"]


def test_one_of_twenty_at_once_makes_the_record(client, anonymous, people):
    one = hook(client, people)

    def one_of_them(_: int) -> object:
        return send(anonymous, one, {"Name": "Ada"}, webhook_id="msg_1").json()

    with ThreadPoolExecutor(20) as threads:
        told = list(threads.map(one_of_them, range(20)))

    assert told == [told[0]] * 20
    assert len(records(client, people)) == 1


def test_what_was_refused_may_come_again_with_its_id(client, anonymous, people):
    one = hook(client, people)
    assert send(anonymous, one, {"Age": 1}, webhook_id="msg_1").status_code == 422

    made(client.patch(f"/fields/{people['ids']['Name']}", json={"required": False}))

    assert send(anonymous, one, {"Age": 1}, webhook_id="msg_1").status_code == 200


@pytest.mark.parametrize("id", ["", "a b", "x" * 201, "\u00fc"])
def test_an_id_is_printable_and_not_long(client, anonymous, people, id):
    one = hook(client, people)

    reply = send(anonymous, one, {"Name": "Ada"}, webhook_id=id.encode("latin-1"))

    assert reply.status_code == 400


# ------------------------------------------------------------------ how often


def test_threat_68_messages_are_counted_by_webhook_and_guesses_by_address(
    limited, monkeypatch
):
    monkeypatch.setattr(incoming, "RATE", Rate("webhook", 5, 60))
    with Client(limited.url) as ada:
        ada.register()
        table = ada.table("Name")
        one, other = hook(ada, table), hook(ada, table)
        headers = from_("203.0.113.77")
        replies = [send(ada, one, {"Name": "x"}, **headers) for _ in range(7)]
        assert [each.status_code for each in replies] == [200] * 5 + [429] * 2
        assert replies[0].headers["ratelimit-policy"] == '"webhook";q=5;w=60'
        assert int(replies[-1].headers["retry-after"]) >= 1
        assert send(ada, other, {"Name": "x"}, **headers).status_code == 200
        wrong = {"token": "whk_" + "A" * 43}
        guesses = [send(ada, wrong, {}, **headers).status_code for _ in range(102)]
        assert guesses == [404] * 100 + [429] * 2
        # whoever guesses beside it keeps nobody from sending
        assert send(ada, other, {"Name": "x"}, **headers).status_code == 200


def test_what_maps_to_what_is_of_now_whatever_a_process_remembers(
    server, client, people
):
    one = hook(client, people, {"who": "Name"})
    workspace_id = people["workspace_id"]
    before = server.system.catalogs[workspace_id]
    made(
        client.patch(
            f"/webhooks/{one['id']}",
            json={"field_mappings": {"who": "Name", "years": "Age"}},
        )
    )
    dict.__setitem__(server.system.catalogs, workspace_id, before)

    reply = send(client, one, {"who": "Ada", "years": 3})

    assert reply.status_code == 200
    (found,) = records(client, people)
    assert found["Age"] == 3
