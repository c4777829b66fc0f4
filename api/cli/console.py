"""Where a verb shows what it found."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_ENDLESS = 10_000  # columns


def endless_console() -> "Console":
    """As wide as the terminal; where there is none, as wide as the longest line."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_ENDLESS)
