"""Rows 68 and 72: what is sent to incoming webhooks, and what only looks like it."""

import json
import logging

import psycopg
import pytest

from domain.ids import INSTANCE
from tests.client import made

# the tests' own client, and what `tabellion serve` turns off and pytest listens to
NOT_OURS = ("httpx2", "httpcore2", "uvicorn.access")
NONE = {"detail": "Webhook not found", "code": "NOT_FOUND"}


@pytest.fixture
def hook(newcomer):
    """An incoming webhook with its token, and the table that it writes to."""
    table = newcomer.table("Name", {"name": "Number", "type": "autonumber"})
    body = {"name": "In", "table_id": table["id"], "type": "incoming"}
    return made(newcomer.post("/webhooks", json=body)) | {"table": table}


def path_of(token):
    return f"/webhooks/incoming/{token}"


def test_threat_68_a_token_that_is_none_was_cut_or_is_over(
    attack, anonymous, newcomer, hook
):
    token = hook["token"]
    made(newcomer.post(f"/webhooks/{hook['id']}/regenerate-token"))

    for wrong in (token, token[:-1], token + "A", token.upper(), hook["id"], "whk_%00"):
        reply = attack(
            anonymous, "POST", path_of(wrong), expect=404, json={"Name": "x"}
        )
        assert reply.json() == NONE


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"a=b", 400),
        (b'{"Name": "x"', 400),
        (b"[" * 5000, 400),
        (b'["Name"]', 422),
        (b"{}", 422),
        (b'{"Name": {"$gt": ""}}', 422),
        (b'{"Number": 7}', 422),
        (b'{"__proto__": {"Name": "x"}, "id": "x", "created_by": "x"}', 422),
    ],
)
def test_threat_68_a_body_that_is_none(attack, anonymous, hook, body, status):
    attack(anonymous, "POST", path_of(hook["token"]), expect=status, content=body)


def test_threat_68_a_body_of_fifty_megabytes_is_not_read(attack, anonymous, hook):
    for token, status in ((hook["token"], 413), ("whk_" + "A" * 43, 404)):
        attack.raw(
            anonymous,
            "POST",
            path_of(token),
            expect=status,
            content_length=b"52428800",
            content_type=b"application/json",
        )


def test_threat_72_a_token_elsewhere_lets_nobody_in(
    attack, anonymous, hook, operations
):
    alike = f"/api/v1{path_of(hook['token'])}"
    asked = 0
    for (method, path), operation in operations.items():
        if not operation.get("security"):
            continue
        filled = "/".join(
            hook["table"]["id"] if part.startswith("{") else part
            for part in path.split("/")
        )
        query = f"?{alike}&token={hook['token']}"
        attack(anonymous, method, filled + query, expect=401)
        asked += 1
    assert asked > 100


@pytest.mark.parametrize(
    "path",
    [
        "/records{}",
        "/records/{}",
        "/records#{}",
        "/tables/{}/../records",
        "{}/../../../records",
        "{}%2f..%2f..%2f..%2frecords",
        "{};/records",
        "{}/records",
        "/records;{}",
    ],
)
def test_threat_72_a_path_around_a_token_leads_nowhere(attack, anonymous, hook, path):
    table = hook["table"]["id"]
    target = path.format(path_of(hook["token"])).split("#")[0]
    attack.raw(anonymous, "GET", f"{target}?table_id={table}", expect=(401, 404, 405))


def test_the_token_of_an_incoming_webhook_is_told_nowhere(
    server, newcomer, anonymous, hook, caplog, recorded_events, database
):
    caplog.set_level(logging.DEBUG)
    token, workspace_id = hook["token"], hook["table"]["workspace_id"]
    path = path_of(token)
    replies = [
        anonymous.post(path, json={"Name": "x"}, headers={"webhook-id": "msg_1"}),
        anonymous.post(path, json={"Name": "x"}, headers={"webhook-id": "msg_1"}),
        anonymous.post(path, content=b"{"),
        anonymous.post(path, json={"Name": {}}),
        anonymous.get(path),
        anonymous.put(path, json={}),
        anonymous.post(f"{path}/more", json={}),
        newcomer.get(f"/webhooks/{hook['id']}"),
        newcomer.get(f"/webhooks?table_id={hook['table']['id']}"),
        newcomer.get(f"/events?workspace_id={workspace_id}"),
        newcomer.get(f"/audit?workspace_id={workspace_id}"),
        anonymous.get("/metrics"),
    ]
    statuses = [one.status_code for one in replies]
    assert statuses == [200, 200, 400, 422, 405, 405, 404, 200, 200, 200, 200, 200]
    made(newcomer.post(f"/webhooks/{hook['id']}/regenerate-token"))
    replies.append(anonymous.post(path, json={"Name": "x"}))
    assert replies[-1].status_code == 404

    ours = [one for one in caplog.records if not one.name.startswith(NOT_OURS)]
    said = " ".join(f"{one.getMessage()} {one.__dict__}" for one in ours)
    said += " ".join(one.text + str(one.headers) for one in replies)
    said += json.dumps([recorded_events(workspace_id), recorded_events(INSTANCE)])
    with psycopg.connect(database.owner) as connection:
        for table in ("ledger.batches", "ledger.access_log", "vault.webhook_tokens"):
            said += str(connection.execute(f"SELECT * FROM {table}").fetchall())
    assert token not in said
    assert token.removeprefix("whk_").encode().hex() not in said
