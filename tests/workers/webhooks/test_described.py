"""Messages are what OpenAPI's section of webhooks says that they are."""

from typing import Any

import jsonschema
import pytest

from api.pybase.messages import messages
from tests.client import Client, Json, made
from tests.workers.webhooks.heard import CMS, PYBASE, Hearing


@pytest.mark.parametrize("events", [PYBASE, CMS], ids=["tables", "content"])
def test_what_is_told_is_what_the_document_says(
    client: Client, heard: Hearing, events: tuple[str, ...]
):
    table = client.table("Name")
    tenant = heard.of(client, table)
    body = {"name": "All", "type": "outgoing", "workspace_id": table["workspace_id"]}
    body |= {"url": "https://hooks.example.org/in", "events": [*events]}
    hook: Any = made(client.post("/webhooks", json=body))
    everything(client, table)
    heard.follow()

    told = heard.told(tenant, hook["id"])

    section = messages()
    for one in told:
        name = one.get("type") or one["event"]
        asked = section[name]["post"]["requestBody"]["content"]["application/json"]
        jsonschema.Draft202012Validator(
            asked["schema"], format_checker=jsonschema.FormatChecker()
        ).validate(one)
    names = {one.get("type") or one["event"] for one in told}
    nouns = {one.partition(".")[0] for one in events}
    assert names == {one for one in section if one.partition(".")[0] in nouns}


def everything(client: Client, table: Json) -> None:
    """A table, a field and a record: made, changed and deleted."""
    other = client.table("Name", base_id=table["base_id"], name="Other")
    record = client.record(other["id"], Name="Ada")
    field = client.field(other["id"], "Notes")
    for path in (f"/fields/{field['id']}", f"/tables/{other['id']}"):
        made(client.patch(path, json={"name": "New"}))
    made(client.patch(f"/records/{record['id']}", json={"fields": {"Name": "Bob"}}))
    for path in (
        f"/records/{record['id']}",
        f"/fields/{field['id']}",
        f"/tables/{other['id']}",
    ):
        assert client.delete(path).status_code == 204
