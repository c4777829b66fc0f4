"""`tabellion doctor`."""


def doctor() -> None:
    """To be filled."""
    raise SystemExit(1)
