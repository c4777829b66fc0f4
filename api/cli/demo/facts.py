"""What the demo shows is checked: a fact is what was expected and what was found."""

from typing import Any

from api.cli.http import Reply


class NotAsExpected(Exception):
    """A fact that does not hold"""

    def __init__(self, fact: str, expected: object, found: object) -> None:
        super().__init__(fact)
        self.fact = fact
        self.expected = expected
        self.found = found


def expect(fact: str, expected: object, found: object) -> None:
    """Raises NotAsExpected where the two differ."""
    if expected != found:
        raise NotAsExpected(fact, expected, found)


def answered(reply: Reply, status: int) -> Reply:
    """The reply, if it has this status.  Raises NotAsExpected."""
    if reply.status != status:
        told = reply.body[:500].decode("utf-8", "replace")
        raise NotAsExpected(
            f"{reply.method} {reply.path}"[:200], status, f"{reply.status} {told}"
        )
    return reply


def made(reply: Reply) -> Any:
    """The body of a reply that made something."""
    return answered(reply, 201).json
