"""`tabellion tail`: a workspace's events on the terminal, as they are committed.

Reads the event stream as anyone would, and goes on where it was when it is cut off.
Exits 0 at Ctrl-C, 1 where the server refused, 2 where the command line makes no sense.
"""

import json
import random
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import AccountFile, Email, ServerUrl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console
    from rich.text import Text

    from api.cli.http import Client

SILENCE = 40.0  # seconds without a byte, of a stream that says something every 15
LONGEST_PAUSE = 10.0  # seconds between two tries to connect
_ROOMY = 120  # columns, from which ids are shown whole
_MOST = 6  # values of an event that are shown
_WIDEST = 24  # characters of a value that are shown
_COLOURS = {
    "created": "green",
    "added": "green",
    "restored": "green",
    "uploaded": "green",
    "deleted": "red",
    "removed": "red",
    "failed": "red",
}


def tail(
    workspace: Annotated[str, typer.Argument(help="The workspace's id")],
    account: AccountFile = None,
    email: Email = None,
    after: Annotated[
        int | None,
        typer.Option(min=0, help="The position to go on from; else what comes now"),
    ] = None,
    types: Annotated[
        str | None, typer.Option(help="Such as record.*,field.created; else all")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="A table's id: only what concerns it")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Each event's envelope, one a line")
    ] = False,
    url: ServerUrl = None,
) -> None:
    """Show a workspace's events as they happen, until Ctrl-C."""
    from api.cli.console import endless_console
    from api.cli.http import Client, Refused, Unreachable
    from api.cli.signing_in import credentials, failed, sign_in
    from commands.settings import load_settings

    body = credentials(account, email)
    named = {"workspace_id": workspace, "types": types, "table_id": table}
    query = {name: value for name, value in named.items() if value is not None}
    console = None if as_json else endless_console()
    try:
        client = Client(url or load_settings().pybase_url, timeout=SILENCE)
        sign_in(client, body)
        position = _head(client, workspace) if after is None else after
        if console is not None:
            console.print(_heading(console))
        for event in _follow(client, body, query, position):
            if console is None:
                typer.echo(json.dumps(event, ensure_ascii=False))
            else:
                console.print(_line(event, console))
    except (Unreachable, Refused) as error:
        raise failed(str(error)) from error
    except KeyboardInterrupt:
        return  # it has no other end


# -------------------------------------------------------------------- reading


def _head(client: "Client", workspace: str) -> int:
    """Where the workspace is now.  Raises Refused."""
    from api.cli.http import Refused

    reply = client.call("GET", "/events", query={"workspace_id": workspace, "limit": 1})
    if reply.status != 200:
        raise Refused(reply.status, reply.body)
    return int(reply.json["head"])


def _follow(
    client: "Client", body: "Mapping[str, str]", query: "Mapping[str, str]", after: int
) -> "Iterator[dict[str, Any]]":
    """Every event after a position; connects anew for as long as that may help.

    Raises Refused where it does not.
    """
    from api.cli.http import Refused, Unreachable
    from api.cli.signing_in import sign_in

    pause = 0.0
    told = False
    while True:
        try:
            for name, value in _fields(client, query, after):
                told = _tell(told, f"connected again, after {after}")
                if name != b"retry":  # which comes even where nothing follows
                    pause = 0.0
                if name == b"id":
                    after = int(value)
                elif name == b"data":
                    yield json.loads(value)
            why = "the stream ended"
        except Unreachable as error:
            why = str(error)
        except Refused as error:
            if error.status == 401:  # the token has run out, or the session was ended
                sign_in(client, body)
            elif error.status not in (429, 502, 503, 504):
                raise
            why = error.detail
        if not told and pause > 0:
            typer.echo(f"tabellion: {why}; trying again", err=True)
            told = True
        time.sleep(pause * random.uniform(0.5, 1))  # parts those who were cut together
        pause = min(max(0.5, pause * 2), LONGEST_PAUSE)


def _tell(told: bool, message: str) -> bool:
    """Says that it is well again, where it was said that it was not."""
    if told:
        typer.echo(f"tabellion: {message}", err=True)
    return False


def _fields(
    client: "Client", query: "Mapping[str, str]", after: int
) -> "Iterator[tuple[bytes, bytes]]":
    """The fields of the stream's events: of a block its id is the last, because what
    was read in half is asked for again."""
    block: list[tuple[bytes, bytes]] = []
    told = {"last-event-id": str(after)}
    for line in client.lines("/events/stream", query, told):
        name, colon, value = line.rstrip(b"\n").partition(b": ")
        if colon and name:
            block.append((name, value))
        elif line == b"\n":
            yield from sorted(block, key=lambda one: one[0] == b"id")
            block = []


# -------------------------------------------------------------------- showing


def _wide(console: "Console") -> bool:
    """Whether there is room for whole ids."""
    return console.width >= _ROOMY


def _heading(console: "Console") -> "Text":
    from rich.text import Text

    what = f"{'what':<{36 if _wide(console) else 12}}"
    columns = f"{'position':>8}  {'at':<12}  {'type':<20}  {'by':<8}  {what}"
    return Text(columns + "  details", style="bold", no_wrap=True, overflow="ellipsis")


def _line(event: "Mapping[str, Any]", console: "Console") -> "Text":
    """An event as a row of a table that has no end."""
    from rich.text import Text

    verb = event["type"].rpartition(".")[2]
    line = Text(f"{event['seq']:>8}  ", no_wrap=True, overflow="ellipsis")
    line.append(f"{_clock(event['recorded_at'])}  ", style="dim")
    line.append(f"{event['type']:<20}  ", style=_COLOURS.get(verb, "cyan"))
    line.append(f"{event['actor']['id'][-8:]}  ", style="dim")
    stream = event["stream"] if _wide(console) else event["stream"][-12:]
    line.append(f"{stream}  ")
    line.append(_details(event["data"]))
    return line


def _clock(at: str) -> str:
    """The time of day on this machine, to the millisecond."""
    moment = datetime.fromisoformat(at).astimezone()
    return moment.strftime("%H:%M:%S.%f")[:12]


def _details(data: "Mapping[str, Any]") -> str:
    """What can be said of an event in a line: its name, its changes, its values."""
    said = []
    if data.get("name"):
        said.append(str(data["name"]))
    for change in (data.get("changes") or {}).values():
        if isinstance(change, dict):
            said.append(f"{_short(change.get('from'))} → {_short(change.get('to'))}")
    values = data.get("values")
    if isinstance(values, dict) and not said:
        said += [_short(value) for value in values.values() if value is not None]
    # what a value holds must not move the cursor
    shown = "".join(c if c.isprintable() else " " for c in " · ".join(said[:_MOST]))
    return shown + (" …" if len(said) > _MOST else "")


def _short(value: object) -> str:
    if value is None:
        return "∅"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
