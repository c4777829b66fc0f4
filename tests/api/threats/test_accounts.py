"""Rows 10, 11, 13 to 15: who may become what, and what signing in may cost."""

import asyncio
import json
import os
import resource
import secrets
import selectors
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from commands.first_administrator import (
    make_administrator,
    make_first_administrator,
)
from tests.client import ABSENT, PASSWORD, made, new_email

ROOT = Path(__file__).resolve().parents[3]
COMMAND = Path(sys.executable).with_name("tabellion")


# ---------------------------------------------------------------- row 10: the start


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "changeme-changeme-changeme-0123456789"}, "SECRET_KEY"),
        (
            {"DATABASE_URL": "postgresql://app@127.0.0.1:1/x", "SECRET_KEY": ""},
            "SECRET_KEY",
        ),
        (
            {"ADMIN_EMAIL": "admin@example.org", "ADMIN_PASSWORD": "admin123"},
            "ADMIN_PASSWORD",
        ),
    ],
    ids=str,
)
def test_threat_10_a_start_with_a_known_secret_is_refused(tmp_path, given, told):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TABELLION_")}
    settings = {f"TABELLION_{name}": value for name, value in given.items()}
    data_dir = tmp_path / "data"

    done = subprocess.run(
        [COMMAND, "serve"],
        cwd=tmp_path,
        env={**kept, **settings, "TABELLION_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=20,
    )

    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"TABELLION_{told}" in said
    assert "Traceback" not in said
    assert "changeme" not in said
    assert "admin123" not in said
    assert not data_dir.exists()


# ------------------------------------------------------ row 11: the first one to come


def administrators(ledger):
    return ledger.execute("SELECT id FROM catalog.users WHERE administrator").fetchall()


def test_threat_11_fifty_registrations_at_once_make_no_administrator(anonymous, ledger):
    before = administrators(ledger)
    email = new_email("first")
    spelled = [email, email.upper(), email.title(), f" {email}", f"{email}."]

    def register(number):
        body = {"email": spelled[number % 5], "password": PASSWORD, "is_admin": True}
        return anonymous.post("/auth/register", json=body).status_code

    with ThreadPoolExecutor(50) as threads:
        statuses = list(threads.map(register, range(50)))

    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 409, 422}
    assert administrators(ledger) == before


def test_threat_11_an_administrator_made_many_times_at_once_is_one(server, ledger):
    before = len(administrators(ledger))
    email, password = new_email("admin"), secrets.token_urlsafe(20)

    async def many():
        making = [make_administrator(server.system, email, password) for _ in range(8)]
        return await asyncio.gather(*making, return_exceptions=True)

    answers = server.run(many())

    assert len({one for one in answers if isinstance(one, str)}) == 1
    assert len(administrators(ledger)) == before + 1


def test_threat_11_processes_started_together_make_one_and_all_go_on(
    server, ledger, no_administrator
):
    admin = {
        "admin_email": new_email("first"),
        "admin_password": SecretStr(secrets.token_urlsafe(20)),
    }
    settings = server.system.settings.model_copy(update=admin)
    starting = replace(server.system, settings=settings)

    async def many():
        await asyncio.gather(*(make_first_administrator(starting) for _ in range(8)))

    server.run(many())

    assert len(administrators(ledger)) == 1


@pytest.fixture
def no_administrator(ledger):
    """As at the first start; those that other tests made come back."""
    taken = ledger.execute(
        "UPDATE catalog.users SET administrator = false WHERE administrator"
        " RETURNING id"
    ).fetchall()
    yield
    ledger.execute(
        "UPDATE catalog.users SET administrator = true WHERE id = ANY (%s)",
        [[row[0] for row in taken]],
    )


# ----------------------------------------------------------- row 13: mass assignment


@pytest.fixture
def forged(victim):
    """Keys that a client would like to set, and none may."""
    return {
        "id": ABSENT,
        "user_id": victim.ids["user"],
        "owner_id": victim.ids["user"],
        "created_by": victim.ids["user"],
        "created_by_id": victim.ids["user"],
        "last_modified_by_id": victim.ids["user"],
        "workspace_id": victim.ids["workspace"],
        "base_id": victim.ids["base"],
        "table_id": victim.ids["table"],
        "field_id": victim.ids["field"],
        "email": "root@example.org",
        "role": "owner",
        "is_admin": True,
        "administrator": True,
        "is_active": False,
        "is_verified": True,
        "email_verified": True,
        "is_primary": True,
        "is_computed": True,
        "is_unique": True,
        "members_count": 99,
        "position": 99,
        "number": 99,
        "version": 99,
        "created_at": "1970-01-01T00:00:00Z",
        "updated_at": "1970-01-01T00:00:00Z",
        "password_hash": "x",
        "deleted": True,
    }


def test_threat_13_no_key_of_the_servers_own_is_set(
    client, newcomer, victim, operations, forged
):
    table = client.table("First", "Name")
    workspace_id, base_id = table["workspace_id"], table["base_id"]
    record = client.record(table["id"], Name="a")
    constraint = client.constraint(table["ids"]["Name"])
    free = client.field(table["id"], "Free")
    writes = [
        ("POST", "/workspaces", {"name": "W"}),
        ("PATCH", f"/workspaces/{workspace_id}", {"name": "W2"}),
        (
            "POST",
            f"/workspaces/{workspace_id}/members",
            {"user_id": newcomer.user["id"], "role": "viewer"},
        ),
        ("POST", "/bases", {"workspace_id": workspace_id, "name": "B"}),
        ("PATCH", f"/bases/{base_id}", {"name": "B2"}),
        ("POST", "/tables", {"base_id": base_id, "name": "T"}),
        ("PATCH", f"/tables/{table['id']}", {"name": "T2"}),
        ("POST", "/fields", {"table_id": table["id"], "name": "F", "type": "text"}),
        ("PATCH", f"/fields/{free['id']}", {"name": "F2"}),
        ("POST", "/constraints", {"field_id": free["id"]}),
        ("PATCH", f"/constraints/{constraint['id']}", {"case_sensitive": False}),
        ("POST", "/records", {"table_id": table["id"], "fields": {"Name": "b"}}),
        ("PATCH", f"/records/{record['id']}", {"fields": {"Name": "c"}}),
        ("PATCH", "/users/me", {"name": "Ada"}),
    ]

    for method, path, body in writes:
        known = documented(operations, method, path)
        extra = {key: value for key, value in forged.items() if key not in known}
        assert len(extra) > 15
        reply = client.request(method, path, json={**extra, **body})
        assert reply.status_code in (200, 201, 422), f"{path} {reply.text}"
        if reply.status_code != 422:
            shown = {**reply.json(), "is_unique": None}  # the constraint is the test's
            taken = {key for key in extra if shown.get(key) == extra[key]}
            assert taken - {"role"} == set(), path
    assert made(client.get("/users/me"))["id"] == client.user["id"]
    assert newcomer.get(f"/workspaces/{workspace_id}").json()["role"] == "viewer"
    assert made(victim.client.get("/workspaces"))["total"] == 1
    assert made(victim.client.get("/bases"))["total"] == 1


def documented(operations, method, path):
    """The keys that the body of the operation at a path may have."""
    given = path.split("/")
    for (its_method, its_path), operation in operations.items():
        parts = its_path.split("/")
        if its_method == method and len(parts) == len(given):
            pairs = zip(parts, given, strict=True)
            if all(part in (one, "{id}") for part, one in pairs):
                return set(operation["body"]["properties"])
    raise LookupError(path)


def test_threat_13_no_key_of_the_servers_own_is_in_a_records_values(
    attack, client, forged
):
    table = client.table("Name")
    record = client.record(table["id"], Name="a")

    for key, value in forged.items():
        fields = {"Name": "x", key: value}
        body = {"table_id": table["id"], "fields": fields}
        attack(client, "POST", "/records", expect=422, json=body)
        attack(
            client,
            "PATCH",
            f"/records/{record['id']}",
            expect=422,
            json={"fields": fields},
        )


# ------------------------------------------------------------- row 14: long passwords


def test_threat_14_a_password_is_taken_to_1024_characters_and_no_further(
    attack, anonymous
):
    email, longest = new_email(), "ä" * 1024
    body = {"email": email, "password": longest}

    attack(
        anonymous,
        "POST",
        "/auth/register",
        expect=422,
        json={**body, "password": longest + "ä"},
    )
    made(anonymous.post("/auth/register", json=body))
    made(anonymous.post("/auth/login", json=body))
    for other in (longest[:-1], longest + "ä", longest[:-1] + "a", longest * 2):
        attack(
            anonymous,
            "POST",
            "/auth/login",
            expect=401,
            json={**body, "password": other},
        )


@pytest.mark.parametrize(
    ("password", "statuses"),
    [
        ("x" * 1_000_000, (401, 422)),
        ("x" * 1_000_001, (401, 422)),
        ("securepassword\0", (422,)),
        ("\0" * 20, (422,)),
    ],
    ids=["a megabyte", "more", "NUL at the end", "NUL alone"],
)
def test_threat_14_a_password_that_is_none(
    attack, anonymous, client, password, statuses
):
    known = {"email": client.user["email"], "password": password}

    attack(anonymous, "POST", "/auth/login", expect=statuses, json=known)
    new = {**known, "email": new_email()}
    attack(anonymous, "POST", "/auth/register", expect=422, json=new)


# --------------------------------------------------------- row 15: two hundred at once


def sign_in(server, email):
    """A socket on which a sign-in has been asked for."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    body = json.dumps({"email": email, "password": "wrongwrong"}).encode()
    one = socket.create_connection((host, int(port)))
    one.sendall(
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(body)
        + body
    )
    return one


def answers(sockets):
    """What came on each, as soon as it is there."""
    found = dict.fromkeys(sockets, b"")
    with selectors.DefaultSelector() as waiting:
        for one in sockets:
            waiting.register(one, selectors.EVENT_READ, one)
        while waiting.get_map():
            for key, _ in waiting.select(10):
                part = key.data.recv(65_536)
                found[key.data] += part
                if not part:
                    waiting.unregister(key.data)
    return list(found.values())


def test_threat_15_two_hundred_sign_ins_at_once_leave_room_for_others(
    attack, client, server
):
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with ExitStack() as stack, attack.nothing_happens():
        sockets = [
            stack.enter_context(sign_in(server, client.user["email"]))
            for _ in range(200)
        ]
        seconds = []
        for _ in range(40):
            started = time.monotonic()
            assert client.get("/users/me").status_code == 200
            seconds.append(time.monotonic() - started)
        replies = answers(sockets)

    statuses = [int(reply.split(b" ", 2)[1]) for reply in replies]
    assert set(statuses) == {401, 503}
    assert statuses.count(401) >= 64  # as many as may wait
    busy = next(reply for reply in replies if b" 503 " in reply[:20])
    assert b"retry-after: 1" in busy
    assert sorted(seconds)[-4] < 0.3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - megabytes < 150
    body = {"email": client.user["email"], "password": PASSWORD}
    assert client.post("/auth/login", json=body).status_code == 200
