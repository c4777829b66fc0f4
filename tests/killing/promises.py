"""What must hold when all is quiet: asked of the feed, of the lists and of the command
line, never of the server's own memory."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2

from tests.killing.clients import Intent
from tests.killing.server import Server


def feed(client: httpx2.Client, workspace_id: str) -> list[dict[str, Any]]:
    """Every event of a workspace, walked by the cursor."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = client.get(
            "/events",
            params={"workspace_id": workspace_id, "after": after, "limit": 1000},
        ).json()
        found += page["items"]
        if page["next"] == after:
            return found
        after = page["next"]


def broken(
    events: Sequence[dict[str, Any]], intents: Sequence[Intent], mark: str
) -> Iterator[str]:
    """The promises that the feed does not keep; `mark` is the id of the field that
    says which intent made a record."""
    for place, event in enumerate(events, 1):
        if event["seq"] != place:
            yield f"position {event['seq']} stands at place {place}"
            break
    batches: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        batches.setdefault(event["batch_id"], []).append(event)
    for batch_id, inside in batches.items():
        if len(inside) != inside[0]["batch_size"]:
            yield f"batch {batch_id} has {len(inside)} of {inside[0]['batch_size']}"
    made = Counter(
        event["data"]["values"].get(mark)
        for event in events
        if event["type"] == "record.created"
    )
    for intent in intents:
        if intent.acknowledged:
            yield from _kept(intent, batches.get(intent.batch_id or "", []))
        if intent.method != "POST":
            continue
        count = made[intent.key]
        wanted = {intent.records} if intent.acknowledged else {0, intent.records}
        if count not in wanted:
            yield f"{intent.key}: {count} of {intent.records} records are there"


def _kept(intent: Intent, inside: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not inside:
        if intent.method == "POST":
            yield f"{intent.key}: acknowledged, and its batch is not in the feed"
        return
    if inside[-1]["seq"] != intent.position:
        yield f"{intent.key}: promised {intent.position}, stands at {inside[-1]['seq']}"


def replays(client: httpx2.Client, intents: Sequence[Intent]) -> Iterator[str]:
    """Keys whose repetition is not the first reply, byte for byte."""
    for intent in intents:
        reply = client.request(
            intent.method,
            intent.path,
            content=json.dumps(intent.body) if intent.body else b"",
            headers={
                "idempotency-key": intent.key,
                "content-type": "application/json",
            },
        )
        same = (reply.status_code, reply.content) == (intent.status, intent.reply)
        if not same or reply.headers.get("idempotency-replayed") != "true":
            yield f"{intent.key}: {reply.status_code} {reply.text[:200]}"


def checks(server: Server) -> Iterator[str]:
    """What the product's own checks say."""
    for verb in (["verify"], ["replay", "--check"]):
        done = server.run(*verb)
        if done.returncode != 0:
            yield f"{' '.join(verb)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
