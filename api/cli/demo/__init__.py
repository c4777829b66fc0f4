"""`tabellion demo`: real data through the API, and every promise held against it."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from api.cli.demo.facts import NotAsExpected
    from commands.settings import Settings

WIDEST = 100


def demo(
    url: Annotated[
        str | None,
        typer.Option(
            help="The server's address; else the one the settings name, and where"
            " nobody listens there one is started"
        ),
    ] = None,
    cms_url: Annotated[
        str | None,
        typer.Option(help="The CMS's address; else its port on the same host"),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave a server running that was started")
    ] = False,
) -> None:
    """Load real public data, look around, and check all that is shown."""
    from rich.console import Console

    from api.cli.demo.datasets import NotShipped
    from api.cli.demo.facts import NotAsExpected
    from api.cli.http import Unreachable
    from commands.settings import load_settings

    settings = load_settings()
    console = Console(highlight=False)
    console.width = min(console.width, WIDEST)
    try:
        _run(console, settings, url, cms_url, keep=keep)
    except NotAsExpected as error:
        _tell(console, error)
        raise typer.Exit(1) from error
    except (Unreachable, NotShipped) as error:
        console.print(f"tabellion: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _run(
    console: "Console",
    settings: "Settings",
    url: str | None,
    cms_url: str | None,
    *,
    keep: bool,
) -> None:
    from api.cli.demo.datasets import load, package_folder
    from api.cli.demo.server import on_port, server
    from api.cli.demo.story import summary, tell
    from api.cli.demo.visit import Visit
    from api.cli.http import Client

    shipped = load(package_folder())

    def say(line: str) -> None:
        console.print(line, markup=False)

    with server(settings, url, say, keep=keep) as found:
        visit = Visit(Client(found.url), console)
        address = cms_url or on_port(found.url, settings.port_cms)
        account, tables = tell(visit, settings, shipped, address)
        visit.client.close()
    summary(visit, found, account, tables, kept=keep)


def _tell(console: "Console", error: "NotAsExpected") -> None:
    for name, value in (
        ("NOT AS EXPECTED", error.fact),
        ("expected", error.expected),
        ("found", error.found),
    ):
        text = str(value)
        shown = text if len(text) <= 600 else f"{text[:600]} ..."
        console.print(f"{name}: {shown}", markup=False, soft_wrap=True)
