"""`tabellion replay`."""


def replay() -> None:
    """To be filled."""
    raise SystemExit(1)
