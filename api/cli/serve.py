"""`tabellion serve`: the doors."""

import logging
import os
import sys
from typing import Annotated

import typer


def serve(
    single_port: Annotated[
        bool,
        typer.Option(
            "--single-port",
            help="Every surface on PORT_PYBASE, below /pybase, /tables and /cms.",
        ),
    ] = False,
) -> None:
    """Serve every finished door until SIGTERM or SIGINT."""
    from api.logs import configure
    from commands.settings import load_settings

    settings = load_settings()
    if single_port:
        settings = settings.model_copy(update={"single_port": True})
    configure(settings)
    from api.serve import serve as run

    try:
        run(settings, lambda line: print(line, flush=True))
    except OSError as error:
        print(f"tabellion: cannot listen: {error}", file=sys.stderr)
        logging.shutdown()
        os._exit(1)
