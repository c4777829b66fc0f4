"""`tabellion work`: what follows the commit, without a port."""


def work() -> None:
    """Do what follows the commits until SIGTERM or SIGINT; serves nothing."""
    from api.logs import configure
    from commands.settings import load_settings

    settings = load_settings()
    configure(settings)
    from api.working import work as run

    run(settings, lambda line: print(line, flush=True))
