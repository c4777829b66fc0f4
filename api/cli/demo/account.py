"""Who the demo is: one account a server, its random password kept in a file.

The file is a log-in's body, so that `curl -d @file …/auth/login` gives a token.
"""

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from api.cli.demo.facts import NotAsExpected, made
from api.cli.http import Client


@dataclass(frozen=True)
class Account:
    email: str
    file: Path
    new: bool


def sign_in(client: Client, folder: Path) -> Account:
    """Logs in as the account of the last time, else registers a new one; `client` has
    its token then.  Raises NotAsExpected."""
    file = folder / f"demo-{re.sub('[^A-Za-z0-9.]+', '-', client.url)}.json"
    kept = _read(file)
    if kept is not None:
        reply = client.call("POST", "/auth/login", kept)
        if reply.status == 200:
            client.token = reply.json["access_token"]
            return Account(kept["email"], file, new=False)
        if reply.status != 401:  # another database: it does not know the account
            raise NotAsExpected(
                "logging in", "200, or 401 where nobody knows it", reply.status
            )
    email = f"demo-{secrets.token_hex(4)}@example.org"
    fresh = {"email": email, "password": secrets.token_urlsafe(24)}
    _write(file, fresh)
    body = {**fresh, "name": "Demo"}
    client.token = made(client.call("POST", "/auth/register", body))["access_token"]
    return Account(email, file, new=True)


def kept_login(account: Account) -> dict[str, str]:
    """The body of its log-in, at whichever door."""
    found = _read(account.file)
    if found is None:
        raise NotAsExpected("the account's file", "its log-in", None)
    return found


def _read(file: Path) -> dict[str, str] | None:
    try:
        kept = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(kept, dict) and set(kept) == {"email", "password"}
    return kept if known else None


def _write(file: Path, account: dict[str, str]) -> None:
    """Replaces the file, readable by its owner alone."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as output:
        json.dump(account, output)
    draft.replace(file)
