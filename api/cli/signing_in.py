"""How a verb signs in: an account's file, or an address whose password is asked for."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.cli.http import Client, Reply


def credentials(account: Path | None, email: str | None) -> "Mapping[str, str]":
    """A log-in's body."""
    if (account is None) == (email is None):
        raise typer.BadParameter("give one of them", param_hint="--account, --email")
    if account is None:
        password = typer.prompt("Password", hide_input=True, err=True)
        return {"email": str(email), "password": password}
    try:
        kept = json.loads(account.read_text("utf-8"))
        return {"email": str(kept["email"]), "password": str(kept["password"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise typer.BadParameter(
            f'{account} is no file with {{"email", "password"}}',
            param_hint="--account",
        ) from error


def sign_in(client: "Client", body: "Mapping[str, str]") -> None:
    reply = client.call("POST", "/auth/login", body)
    if reply.status != 200:
        raise failed(f"logging in failed: {detail(reply)}")
    client.token = reply.json["access_token"]


def detail(reply: "Reply") -> str:
    """What a refusal says."""
    try:
        return str(reply.json["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {reply.status}"


def failed(message: str) -> typer.Exit:
    typer.echo(f"tabellion: {message}", err=True)
    return typer.Exit(1)
