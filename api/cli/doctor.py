"""`tabellion doctor`: the settings, the roles, and what is missing."""

from typing import Annotated, Any

import typer

LATE_SECONDS = 60  # after so long of waiting something is wrong
NOBODY_WORKS = (
    "does anybody work? tabellion work has to run, or tabellion serve with"
    " TABELLION_SERVE_WORKS on; their logs say what they wait for"
)


def doctor(
    settings_only: Annotated[
        bool, typer.Option("--settings", help="Only list the settings")
    ] = False,
) -> None:
    """Tell the settings and the database's state; exit 1 when something is missing."""
    from rich.console import Console

    from commands.settings import load_settings

    console = Console()
    settings = load_settings()
    _show_settings(console, settings)
    if settings_only:
        return
    from commands.embedded import database

    with database(settings) as urls:
        problems = list(_examine(console, settings, urls))
    for problem in problems:
        console.print(f"[red]missing[/]  {problem}", highlight=False)
    if not problems:
        console.print("[green]all well[/]")
    raise typer.Exit(1 if problems else 0)


def _show_settings(console: Any, settings: Any) -> None:
    from rich.table import Table

    from commands.settings.listing import describe, unknown_variables

    table = Table(box=None, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    for name in ("value", "default", "unit"):
        table.add_column(name, overflow="fold")
    for one in describe(settings):
        table.add_row(one.variable, one.value, one.default, one.unit)
    console.print(table)
    for name in unknown_variables():
        console.print(f"[yellow]unknown[/]  {name} is no setting of ours")


def _examine(console: Any, settings: Any, urls: Any) -> Any:
    """Prints what is there; yields what is missing."""
    import psycopg

    from commands.migrate import MigrationError, migrate
    from projections.postgres import connect

    try:
        roles = migrate(urls)
    except (psycopg.Error, MigrationError) as error:
        yield f"the database cannot be used: {error}".strip()
        return
    with connect(urls.app, autocommit=True) as app:
        version = app.execute("SHOW server_version").fetchone()
        console.print(
            f"Postgres {version[0] if version else '?'}"
            f" ({'embedded' if urls.embedded else 'by the settings'}),"
            f" owner {roles.owner}, app {roles.app}, follower {roles.follower}",
            highlight=False,
        )
        if not roles.separate:
            yield (
                "the app connects as the owner: set TABELLION_OWNER_DATABASE_URL and"
                " give the app a role of its own, or the ledger is append-only by a"
                " trigger alone"
            )
        if roles.follower == roles.app:
            yield "followers have no role: set TABELLION_FOLLOWER_DATABASE_URL"
        yield from _rights(app)
        yield from _durability(app)
        administrators = app.execute(
            "SELECT count(*) FROM catalog.users WHERE administrator"
        ).fetchone()
        if administrators is not None and not administrators[0]:
            console.print("no administrator yet: tabellion admin EMAIL")
        backlog = app.execute("SELECT count(*) FROM ledger.outbox").fetchone()
        console.print(f"commits that wait to be sealed: {backlog[0] if backlog else 0}")
        _show_indexes(console, app)
        _show_constraints(console, app)
        yield from _followers(console, app)
        _show_deliveries(console, app)
        yield from _undone(settings, app)
        yield from _files(console, settings, app)
    if not settings.serve_works:
        console.print("what follows the commits is done by tabellion work alone")
    yield from _redis(console, settings)
    yield from _kafka(console, settings)


def _redis(console: Any, settings: Any) -> Any:
    """Tells that Redis answers; yields that it does not."""
    if settings.redis_url is None:
        console.print("Redis: none (in-process)")
        return
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(
            settings.redis_url, socket_timeout=1, socket_connect_timeout=1
        ) as client:
            client.ping()
    except (RedisError, OSError) as error:
        yield (
            f"Redis does not answer ({type(error).__name__}): processes count rates"
            " and share tasks without it"
        )
    else:
        console.print("Redis: answers")


def _kafka(console: Any, settings: Any) -> Any:
    """Tells which topics there are; yields that Kafka does not answer."""
    if not settings.kafka_bootstrap_servers:
        console.print("Kafka: none")
        return
    import asyncio

    from workers.following import Unavailable
    from workers.relay import topics
    from workers.relay.kafka import Kafka
    from workers.relay.messages import Form

    wanted = topics(Form.of(settings))
    try:
        there = asyncio.run(Kafka(settings).partitions(wanted))
    except Unavailable as error:
        yield f"events are not relayed: {error}"
        return
    for name in wanted:
        told = f"{there[name]} partitions" if name in there else "to be made"
        console.print(f"Kafka topic {name}: {told}", highlight=False)


def _show_indexes(console: Any, app: Any) -> None:
    from workers.indexes import existing

    found = existing(app)
    console.print(f"indexes made on demand: {len(found)}")
    for one in found:
        state = "" if one.valid else ", being made or left unfinished"
        console.print(
            f"  {one.schema}.{one.name}: {one.scans} scans,"
            f" {one.bytes / 2**20:.1f} MiB{state}",
            highlight=False,
        )


def _followers(console: Any, app: Any) -> Any:
    """Tells how far the followers are; yields where one stands still."""
    from projections.followed import parked, standings

    for one in standings(app):
        console.print(
            f"follower {one.follower}: {one.backlog} events behind, {one.lag:.1f} s",
            highlight=False,
        )
    for each in parked(app):
        yield (
            f"follower {each.follower} stands still in workspace {each.workspace_id}:"
            f" {each.error}; when it is mended, tabellion followers --resume"
            f" {each.follower} --workspace {each.workspace_id}"
        )


def _undone(settings: Any, app: Any) -> Any:
    """Yields what follows the commits and has waited for longer than a minute."""
    from api.hooks import surfaces
    from projections.delivered import neglected
    from projections.followed import standings, unbegun
    from workers.followers import followers

    ours = [one.name for one in followers(settings, surfaces())]
    waits = {
        f"follower {one.follower} is {one.backlog} events behind, for {one.lag:.0f} s"
        for one in standings(app)
        if one.follower in ours and one.lag > LATE_SECONDS
    }
    never = unbegun(app, ours, LATE_SECONDS)
    waits |= {f"follower {name} has never run" for name in never}
    seconds = neglected(app, LATE_SECONDS)
    if seconds:
        waits.add(f"deliveries to webhooks have been due for {seconds:.0f} s")
    for one in sorted(waits):
        yield f"{one}: {NOBODY_WORKS}"


def _show_deliveries(console: Any, app: Any) -> None:
    from projections.delivered import standing

    now = standing(app)
    console.print(
        f"deliveries to webhooks that wait: {now.waiting}, the oldest for"
        f" {now.oldest:.0f} s; {now.under_way} are being sent; webhooks that were"
        f" turned off because their receivers failed or wanted no more:"
        f" {now.turned_off}",
        highlight=False,
    )


def _files(console: Any, settings: Any, app: Any) -> Any:
    """Tells what there is in the data directory; yields what is not and should be."""
    from commands.files import contents, problems
    from projections.files import contents_of, named
    from projections.rebuild import workspaces
    from projections.verify import see

    ours = workspaces(app)
    missing: list[str] = []
    for workspace_id in ours:
        see(app, workspace_id)
        missing += problems(settings.data_dir, contents_of(app, workspace_id))
    app.execute(
        "SELECT set_config('app.workspaces', %s, false)", ["{" + ",".join(ours) + "}"]
    )
    there = contents(settings.data_dir)
    known = named(app, [one.name for one in there])
    unnamed = [one for one in there if one.name not in known]
    console.print(
        f"contents of uploaded files: {len(there)},"
        f" {sum(one.stat().st_size for one in there) / 2**20:.1f} MiB;"
        f" {len(unnamed)} that no file names",
        highlight=False,
    )
    yield from missing[:20]


def _show_constraints(console: Any, app: Any) -> None:
    from workers.uniqueness import existing

    found = [one for one in existing(app) if one.phase != "drop"]
    console.print(f"unique constraints that are pending: {len(found)}")
    for one in found:
        console.print(
            f"  {one.constraint_id} of workspace {one.workspace_id}:"
            f" {one.phase}, at row {one.upto}",
            highlight=False,
        )


def _rights(app: Any) -> Any:
    row = app.execute(
        "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is not None and row[0]:
        yield "the app is a superuser: row-level security and grants do not bind it"
    elif row is not None and row[1]:
        yield "the app's role bypasses row-level security"
    allowed = app.execute(
        "SELECT has_table_privilege('ledger.events', 'UPDATE'),"
        " has_table_privilege('ledger.events', 'DELETE'),"
        " has_database_privilege(current_database(), 'CREATE')"
    ).fetchone()
    if allowed is not None and (allowed[0] or allowed[1]):
        yield "the app may change or delete events by its grants"
    if allowed is not None and not allowed[2]:
        yield "the app may not CREATE in the database: workspaces cannot be made"


def _durability(app: Any) -> Any:
    for name, wanted in (("fsync", "on"), ("full_page_writes", "on")):
        row = app.execute("SELECT current_setting(%s)", [name]).fetchone()
        if row is not None and row[0] != wanted:
            yield f"{name} is {row[0]}: acknowledged writes can be lost"
    row = app.execute("SELECT current_setting('synchronous_commit')").fetchone()
    if row is not None and row[0] in ("off", "local"):
        yield f"synchronous_commit is {row[0]}: acknowledged writes can be lost"
