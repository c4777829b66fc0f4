"""What `tabellion demo` does, from the first chapter to the last."""

import time
from collections.abc import Mapping
from shlex import quote

from rich.markup import escape
from rich.table import Table

from api.cli.demo import feed, reading, writing
from api.cli.demo.account import Account, sign_in
from api.cli.demo.datasets import Shipped
from api.cli.demo.doors import doors
from api.cli.demo.files import files
from api.cli.demo.loading import load, progress
from api.cli.demo.retyping import retyping
from api.cli.demo.server import Server
from api.cli.demo.undoing import undoing
from api.cli.demo.views import views
from api.cli.demo.visit import Loaded, Visit
from commands.settings import Settings

Tables = Mapping[str, Loaded]


def tell(
    visit: Visit, settings: Settings, shipped: Shipped, cms_url: str
) -> tuple[Account, Tables]:
    """Every chapter.  Raises NotAsExpected at the first fact that does not hold."""
    account = _enter(visit, settings)
    _left_out(visit, shipped)
    tables = _load(visit, shipped)
    writing.uniqueness(visit, tables)
    reading.filters(visit, tables)
    reading.sorting(visit, tables)
    reading.paging(visit, tables)
    reading.links(visit, tables)
    writing.edits(visit, tables)
    writing.keys(visit, tables)
    views(visit, tables)
    undoing(visit, tables)
    retyping(visit, tables)
    files(visit)
    doors(visit, account, cms_url)
    feed.feed(visit)
    return account, tables


def _enter(visit: Visit, settings: Settings) -> Account:
    visit.chapter("An account, a workspace, a base")
    account = sign_in(visit.client, settings.data_dir)
    me = visit.get("/users/me", {}).json
    verb = "Registered" if account.new else "Logged in as"
    visit.holds(f"{verb} {account.email}", account.email, me["email"])
    visit.say(f"its password is in {account.file}, for you alone to read")
    workspace = visit.write("POST", "/workspaces", {"name": "Demo"}).json
    visit.workspace_id = workspace["id"]
    body = {"workspace_id": workspace["id"], "name": "Public data"}
    visit.base_id = visit.write("POST", "/bases", body).json["id"]
    visit.holds(
        f'Workspace "Demo" ({workspace["slug"]}) with a base "Public data"',
        [visit.base_id],
        [
            one["id"]
            for one in visit.read("/bases", workspace_id=workspace["id"])["items"]
        ],
    )
    return account


def _left_out(visit: Visit, shipped: Shipped) -> None:
    visit.chapter(
        "The data sets that vega_datasets ships, and what is left out of them"
    )
    table = Table(box=None, padding=(0, 2), show_edge=False, header_style="dim")
    for name in ("table", "left out", "why"):
        table.add_column(name)
    for prepared in shipped.tables:
        for one in prepared.left_out:
            what = f"{one.count} x {one.column}" if one.column else f"{one.count} rows"
            table.add_row(prepared.name, what, escape(one.reason))
    for over in shipped.passed_over:
        table.add_row(over.file, over.what, escape(over.reason))
    visit.console.print(table)
    visit.say(
        "Nothing else was left out: an unread value is left empty, its row stays."
    )
    visit.say(
        f"The package lists {shipped.listed} data sets and ships {shipped.files},"
        f" {shipped.used} of which are used; the others, movies among them, it would"
        " fetch from the web."
    )


def _load(visit: Visit, shipped: Shipped) -> Tables:
    visit.chapter(
        f"{shipped.rows:,} rows into {len(shipped.tables)} tables, 1,000 a request"
    )
    started = time.perf_counter()
    done: dict[str, Loaded] = {}
    with progress(visit, shipped.rows) as move:
        for table in load(visit, shipped.tables, move):
            done[table.name] = table
    seconds = time.perf_counter() - started
    visit.console.print(_rates(done))
    visit.holds(
        f"{shipped.rows:,} rows in {seconds:.1f} s; each came back with every value",
        shipped.rows,
        sum(visit.count(table) for table in done.values()),
    )
    return done


def _rates(tables: Tables) -> Table:
    shown = Table(box=None, padding=(0, 2), show_edge=False, header_style="dim")
    shown.add_column("table")
    for name in ("fields", "rows", "rows/s"):
        shown.add_column(name, justify="right")
    for name, table in tables.items():
        rows = len(table.records)
        rate = f"{rows / table.seconds:,.0f}" if table.seconds else ""
        shown.add_row(name, str(len(table.fields)), f"{rows:,}", rate)
    return shown


def summary(
    visit: Visit, server: Server, account: Account, tables: Tables, *, kept: bool
) -> None:
    """What was done at what rate, and where to look at it."""
    rows = sum(len(table.records) for table in tables.values())
    loading = sum(table.seconds for table in tables.values())
    visit.chapter("Done")
    visit.say(f"{visit.facts:,} facts were checked; all of them hold.")
    visit.say(f"{rows:,} rows in {len(tables)} tables at {rows / loading:,.0f} rows/s")
    visit.say(f"{visit.client.requests} requests, none of them in parallel")
    if visit.client.waited:
        visit.say(
            f"{visit.client.waited:.0f} s of waiting, as the rate limit asked for"
        )
    visit.say(
        f"workspace {visit.workspace_id}, positions 1 to {max(visit.positions):,}"
    )
    if server.pid is not None and not kept:
        visit.chapter("The server that was started is stopped now. To look around:")
        visit.command("make serve")
    else:
        visit.chapter("To look around:")
    api = f"{server.url}/api/v1"
    airports = tables["Airports"]
    visit.say(f"documents  {server.url}/docs")
    visit.say(f"OpenAPI    {server.url}/openapi.json")
    visit.say(f"metrics    {server.url}/metrics")
    visit.say("a token (the file is the log-in's body), the first airports, the feed:")
    login = quote(f"@{account.file.absolute()}")
    visit.command(
        f"TOKEN=$(curl -s -H 'content-type: application/json' -d {login}"
        f' {api}/auth/login | sed \'s/.*"access_token":"\\([^"]*\\).*/\\1/\')'
    )
    auth = 'curl -s -H "authorization: Bearer $TOKEN"'
    visit.command(f"{auth} '{api}/records?table_id={airports.id}&limit=2'")
    visit.command(f"{auth} '{api}/events?workspace_id={visit.workspace_id}&limit=2'")
    if server.pid is not None and kept:
        visit.say(f"The server goes on; its log is {server.log}. To stop it:")
        visit.command(f"kill {server.pid}")
