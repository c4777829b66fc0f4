"""Rows 35 and 108: texts that a slow pattern would be looking at for minutes, slugs."""

import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from domain.values import BadValue
from domain.values.registry import FIELD_TYPES
from domain.workspace import RESERVED_SLUGS
from tests.domain.reading import a_field

# of the kind that patterns with two ways to read a text are slow at
SLOW = {
    "addresses": "a@a." * 12_500,
    "dots": "a@" + "." * 50_000,
    "hyphens": "a@" + "a-" * 25_000,
    "a quoted name": '"' + "\\a" * 25_000,
    "a path": "http://" + "a/" * 25_000,
    "hosts": "http://" + "a." * 25_000 + "!",
    "percents": "http://a/" + "%" * 50_000,
    "digits": "1" * 50_000 + "!",
    "digits and points": "1." * 25_000,
    "spaces": " " * 50_000 + "x",
    "signs": "+-" * 25_000,
    "brackets": "(" * 50_000,
    "colons": "1:" * 25_000,
    "a designation": "M" + "1x" * 25_000,
    "a fraction": "1/" * 25_000 + "4-20 UNC",
    "days": "2024-" * 10_000,
    "combined": "a\u0301" * 25_000,
}
SECONDS = 0.05
OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "barcode": ({}, {"format": "ean13"}),
    "datetime": ({}, {"timezone": "Europe/Berlin"}),
    "date": ({}, {"include_time": True}),
    "thread": ({}, *({"standard": one} for one in ("ISO", "UNC"))),
    "user": ({}, {"allow_multiple": True}),
}


@pytest.fixture(scope="module")
def _kept():
    return {}


@pytest.fixture
def table(client, _kept):
    """A table that these tests only read."""
    if "table" not in _kept:
        named = ("url", "email", "phone", "date", "thread")
        _kept["table"] = client.table(*({"name": one, "type": one} for one in named))
    return _kept["table"]


WRITTEN = sorted(name for name, one in FIELD_TYPES.items() if one.writable)


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_threat_35_a_value_of_any_type_is_read_in_no_time(text):
    slow = {}
    for type_ in WRITTEN:
        for options in OPTIONS.get(type_, ({},)):
            field = a_field(type_, **options)
            began = time.process_time()
            with suppress(BadValue):
                field.kind.read(text, field)
            seconds = time.process_time() - began
            if seconds > SECONDS:
                slow[type_] = seconds

    assert slow == {}


# ------------------------------------------------------ row 35: and wherever else


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_threat_35_a_text_anywhere_in_a_request_is_read_in_no_time(
    attack, anonymous, client, table, text
):
    table_id = table["id"]

    def write(path, body, expect=(400, 401, 404, 409, 422)):
        attack(client, "POST", path, expect=expect, json=body)

    write("/auth/register", {"email": text, "password": "securepassword"})
    write("/auth/login", {"email": text, "password": "securepassword"})
    write("/workspaces", {"name": "x", "slug": text})
    write("/users/me/api-keys", {"expires_at": text})
    formula = {"name": "X", "type": "formula", "options": {"formula": text}}
    write("/fields", {"table_id": table_id, **formula})
    write(
        "/constraints",
        {"field_id": table["ids"]["email"], "error_message": "{value}" + text},
    )
    for name in ("url", "email", "phone", "date", "thread"):
        write("/records", {"table_id": table_id, "fields": {name: text}})
        body = {"filter": {name: {"$eq": text}}}
        attack(client, "POST", f"/views/{table_id}/data", expect=(200, 422), json=body)
    for header in ("If-Match", "Idempotency-Key"):
        headers = {header: f"x{text[:10_000]}x".encode()}
        path = f"/tables/{table_id}"
        attack(
            client, "PATCH", path, expect=(400, 422), headers=headers, json={"name": ""}
        )
    query = {"workspace_id": table["workspace_id"], "types": text[:10_000]}
    attack(client, "GET", "/events", expect=422, params=query)
    query = {"table_id": table_id, "filter": text[:10_000]}
    attack(client, "GET", "/records", expect=(200, 422), params=query)


# ----------------------------------------------------------------- row 108: slugs


SLUGS = [
    "..",
    "../x",
    "a/b",
    "a%2fb",
    "a b",
    " a",
    "A",
    "ä",
    "a\u0301",
    "\u0430pi",
    "\uff41",
    "a.b",
    "a_b",
    "-a",
    "a-",
    "a\n",
    "a\u200b",
    "x" * 64,
    "",
    "%2e%2e",
    ".well-known",
]


@pytest.mark.parametrize("slug", SLUGS)
def test_threat_108_what_is_no_slug(attack, client, slug):
    workspace = client.workspace()
    body = {"name": "x", "slug": slug}

    attack(client, "POST", "/workspaces", expect=422, json=body)
    path = f"/workspaces/{workspace['id']}"
    attack(client, "PATCH", path, expect=422, json={"slug": slug})


@pytest.mark.parametrize("slug", [*sorted(RESERVED_SLUGS), "v2", "v99"])
def test_threat_108_a_word_of_a_surfaces_paths(attack, client, slug):
    workspace = client.workspace()

    body = {"name": "x", "slug": slug}
    attack(client, "POST", "/workspaces", expect=409, json=body)
    path = f"/workspaces/{workspace['id']}"
    attack(client, "PATCH", path, expect=409, json={"slug": slug})


@pytest.mark.parametrize(
    "name", ["..", "Api", "auth", "\uff21\uff30\uff29", "\u202e", "%2e%2e", "v9"]
)
def test_threat_108_a_slug_made_from_a_name_is_one(client, name):
    slug = client.workspace(name)["slug"]

    assert re.fullmatch("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", slug)
    assert slug not in {"api", "auth", "v1", "v2", "v3", "v9"}


def test_threat_108_of_three_hundred_with_one_slug_at_once_one_wins(server, client):
    body = {"name": "x", "slug": f"race-{secrets.token_hex(6)}"}

    def ask(_):
        return client.post("/workspaces", json=body).status_code

    with ThreadPoolExecutor(32) as threads:
        statuses = sorted(threads.map(ask, range(300)))

    assert statuses == [201] + [409] * 299


def test_threat_108_of_many_changes_to_one_slug_at_once_one_wins(client):
    slug = f"race-{secrets.token_hex(6)}"
    paths = [f"/workspaces/{client.workspace()['id']}" for _ in range(20)]

    def ask(path):
        return client.patch(path, json={"slug": slug}).status_code

    with ThreadPoolExecutor(20) as threads:
        statuses = sorted(threads.map(ask, paths))

    assert statuses == [200] + [409] * 19
