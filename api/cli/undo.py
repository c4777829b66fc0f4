"""`tabellion undo`: takes changes back, through the API as anyone would.

First a dry run: what would go back, what stands in the way.  Then it asks, and does it.
Exits 0 where it is done (or there is nothing to do), 1 where it is refused, blocked,
declined, or the server was not reached, 2 where the command line makes no sense.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import AccountFile, Email, ServerUrl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from api.cli.http import Client, Reply

SECONDS = 120.0  # that a reply may take
SHOWN = 20  # events, and conflicts
_WIDEST = 40  # characters of a value that are shown
_MODES = ("strict", "skip_conflicts", "force")


def undo(
    batch: Annotated[
        str | None, typer.Option(help="A batch's id, as X-Batch-Id told it")
    ] = None,
    event: Annotated[str | None, typer.Option(help="An event's id")] = None,
    actor: Annotated[
        str | None, typer.Option(help="A user's or a key's id: all they did")
    ] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="Your newest batch that is not undone")
    ] = False,
    redo: Annotated[
        str | None, typer.Option(help="The batch's id of an undo, to undo that")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="A position or a time, with --actor or alone"),
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="The same, included")] = None,
    workspace: Annotated[
        str | None,
        typer.Option(help="The workspace's id; a batch or an event needs none"),
    ] = None,
    mode: Annotated[str, typer.Option(help=" | ".join(_MODES))] = "strict",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it unasked")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="The answer as JSON; a dry run without --yes"),
    ] = False,
    account: AccountFile = None,
    email: Email = None,
    url: ServerUrl = None,
) -> None:
    """Take back a batch, an event, or what an actor or everybody did."""
    from api.cli.http import Client, Unreachable
    from api.cli.signing_in import credentials, failed, sign_in
    from commands.settings import load_settings

    if mode not in _MODES:
        raise typer.BadParameter(f"one of {', '.join(_MODES)}", param_hint="--mode")
    scopes = {"batch": batch, "event": event, "actor": actor, "redo": redo}
    path, body = _asked(scopes, workspace, start, end, latest=latest)
    body["mode"] = mode
    signing_in = credentials(account, email)
    try:
        client = Client(url or load_settings().pybase_url, timeout=SECONDS)
        sign_in(client, signing_in)
        if as_json:
            _in_json(client.call("POST", path, {**body, "dry_run": not yes}))
        else:
            _in_words(client, path, body, yes=yes)
        client.close()
    except Unreachable as error:
        raise failed(str(error)) from error


# ---------------------------------------------------------- what was asked for


def _asked(
    ids: dict[str, str | None],
    workspace: str | None,
    start: str | None,
    end: str | None,
    *,
    latest: bool,
) -> tuple[str, dict[str, Any]]:
    """The path and the body of the call."""
    named = [name for name, value in ids.items() if value is not None]
    named += ["latest"] if latest else []
    if not named and start is not None and end is not None:
        named = ["range"]
    if len(named) != 1:
        raise typer.BadParameter(
            "give one of --batch, --event, --actor, --latest, --redo, or --from and"
            " --to",
            param_hint="what to undo",
        )
    (scope,) = named
    body: dict[str, Any] = {} if workspace is None else {"workspace_id": workspace}
    if scope in ("actor", "range", "latest") and workspace is None:
        raise typer.BadParameter("say in which one", param_hint="--workspace")
    if scope == "redo":
        return "/redo", {**body, "batch_id": ids["redo"]}
    body["scope"] = scope
    if ids.get(scope) is not None:
        body["id"] = ids[scope]
    if start is not None:
        body["from"] = _moment(start)
    if end is not None:
        body["to"] = _moment(end)
    return "/undo", body


def _moment(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


# -------------------------------------------------------------------- doing it


def _in_json(reply: "Reply") -> None:
    typer.echo(json.dumps(reply.json, ensure_ascii=False, indent=2))
    if reply.status != 200:
        raise typer.Exit(1)


def _in_words(client: "Client", path: str, body: dict[str, Any], *, yes: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    dry = client.call("POST", path, {**body, "dry_run": True})
    _shown(console, client, dry)
    undone = dry.json["undone"]
    if not undone:
        return
    if not yes and not typer.confirm(f"Take back {_events(len(undone))}?", err=True):
        raise typer.Exit(1)
    done = client.call("POST", path, body)
    if done.status != 200:
        _refused(console, client, done)
    came = done.json
    console.print(
        f"{_events(len(came['undone']))} taken back in {done.seconds:.1f} s, batch"
        f" {came['batch_id']}, position {came['position']}",
        markup=False,
        soft_wrap=True,
    )
    console.print(
        f"to have it again: tabellion undo --redo {came['batch_id']}",
        markup=False,
        soft_wrap=True,
    )


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"


# -------------------------------------------------------------------- telling


def _shown(console: "Console", client: "Client", reply: "Reply") -> None:
    """What would go back, and what stands in the way."""
    if reply.status != 200:
        _refused(console, client, reply)
    body = reply.json
    if not body["undone"] and not body["conflicts"] and not body["irreversible"]:
        console.print("nothing to take back: it is undone already, or was nothing")
        return
    if body["undone"]:
        console.print(_table_of(client, "goes back", body["undone"]))
    if body["conflicts"]:
        console.print(_conflicts_of(body["conflicts"]))
    if body["irreversible"]:
        console.print(_table_of(client, "never goes back", body["irreversible"]))


def _refused(console: "Console", client: "Client", reply: "Reply") -> None:
    from api.cli.signing_in import detail, failed

    conflicts = reply.json.get("conflicts") if reply.status == 409 else None
    if not conflicts:
        raise failed(detail(reply))
    console.print(_conflicts_of(conflicts))
    raise failed(
        f"{detail(reply)}: --mode skip_conflicts leaves that out, --mode force"
        " overwrites it"
    )


def _table_of(client: "Client", title: str, ids: "Sequence[str]") -> "Table":
    """The first events of the list with what they changed."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title, "at", "event", "of", "change", caption=_left_out(len(ids)), expand=False
    )
    for event_id in ids[:SHOWN]:
        reply = client.call("GET", f"/events/{event_id}")
        if reply.status != 200:
            table.add_row(event_id)
            continue
        one = reply.json
        table.add_row(
            f"{one['seq']:,}",
            one["recorded_at"][:19].replace("T", " "),
            one["type"],
            one["stream"],
            Text(_change(one["data"])),
        )
    return table


def _change(data: Any) -> str:
    """What an event changed, in a line."""
    changes = data.get("changes")
    if isinstance(changes, dict):
        return ", ".join(
            f"{_short(one['to'])} → {_short(one['from'])}"
            for one in changes.values()
            if isinstance(one, dict)
        )
    if "values" in data:
        return ", ".join(_short(one) for one in data["values"].values())
    return str(data.get("name") or "")


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _conflicts_of(conflicts: "Sequence[dict[str, Any]]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "in the way of", "field", "blocked by", caption=_left_out(len(conflicts))
    )
    for one in conflicts[:SHOWN]:
        field, by = one["field"], one["blocked_by"]
        table.add_row(one["event_id"], Text(field or "all of it"), by or "what is now")
    return table


def _left_out(count: int) -> str | None:
    return f"and {count - SHOWN:,} more" if count > SHOWN else None
