"""`tabellion`: one command line, a file a verb group.

Nothing heavy is imported before a verb is chosen.
"""

import sys

import typer

from api.cli.admin import admin
from api.cli.audit import audit
from api.cli.demo import demo
from api.cli.doctor import doctor
from api.cli.followers import followers
from api.cli.importing import import_file
from api.cli.relay import relay
from api.cli.replay import replay
from api.cli.serve import serve
from api.cli.tail import tail
from api.cli.undo import undo
from api.cli.verify import verify
from api.cli.work import work

app = typer.Typer(
    help="Tables, content, data models and approved SQL on one provable ledger.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich costs more than all the rest of --help
)
for verb in (
    serve,
    work,
    demo,
    replay,
    verify,
    doctor,
    followers,
    admin,
    audit,
    tail,
    undo,
):
    app.command()(verb)
app.command("import")(import_file)
app.add_typer(relay, name="relay")


def main() -> None:
    from commands.settings import SettingsError

    try:
        app()
    except SettingsError as error:
        print(f"tabellion: {error}", file=sys.stderr)
        raise SystemExit(2) from error
