"""`tabellion serve`: the doors."""

import logging
import os
import sys


def serve() -> None:
    """Serve every finished door until SIGTERM or SIGINT."""
    from api.logs import configure
    from commands.settings import load_settings

    settings = load_settings()
    configure(settings)
    from api.serve import serve as run

    try:
        run(settings, lambda line: print(line, flush=True))
    except OSError as error:
        print(f"tabellion: cannot listen: {error}", file=sys.stderr)
        logging.shutdown()
        os._exit(1)
