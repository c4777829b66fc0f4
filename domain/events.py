"""What an event is: its stable name, its schema number, its payload, its inverse.

Pure.  An event class is a frozen dataclass (`domain.frozen`) whose first attribute is
the stream it belongs to (the id of the thing that changed) and whose other attributes
are the payload, JSON values only: numbers of user data are decimal strings, so that the
bytes never depend on a float.  Each class states `inverse`: the command that takes it
back, or None with the reason in its docstring; then it also states `FOLLOWS`.

Names are stable words and never Python paths.  A payload that has to change gets a
higher schema number and an upcaster; the golden files of past schemas stay as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, dataclass_transform

from domain.errors import Json
from domain.frozen import frozen
from domain.ids import WorkspaceId

Surface = Literal["pybase", "tables", "querybase", "modelling", "cms", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it.  `kind` is `user`, `key`, `webhook`, `automation` or
    `system`."""

    kind: str
    id: str


class Command:
    """A wish.  Each subclass belongs to exactly one workspace."""

    __slots__ = ()


class Event:
    """A fact.  Subclasses are made by `@event(name, schema)`."""

    __slots__ = ()
    TYPE: ClassVar[str]
    SCHEMA: ClassVar[int]
    PAYLOAD: ClassVar[tuple[str, ...]]
    # of a class without an inverse: whether it goes back with the event that it follows
    # from, or never does
    FOLLOWS: ClassVar[bool]

    @property
    def stream_id(self) -> str:
        """The id of what changed: the first attribute of every event class."""
        raise NotImplementedError

    def inverse(self) -> "Inverse":
        """The command that takes it back, or None: stated by every event class."""
        raise NotImplementedError

    def touched(self) -> frozenset[str] | None:
        """The names of what it changed; None: the thing as a whole."""
        changes = getattr(self, "changes", None)
        return None if changes is None else frozenset(changes)

    def data(self) -> dict[str, Json]:
        return {name: getattr(self, name) for name in self.PAYLOAD}


Inverse: TypeAlias = Command | None

EVENTS: dict[str, type[Event]] = {}
Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}

E = TypeVar("E", bound=type[Event])


@dataclass_transform(frozen_default=True)
def event(name: str, schema: int = 1) -> Callable[[E], E]:
    """Makes a class a frozen dataclass and an event known under `name`."""

    def register(cls: E) -> E:
        made: Any = frozen(cls)
        names = tuple(field.name for field in fields(made))
        made.TYPE, made.SCHEMA, made.PAYLOAD = name, schema, names[1:]
        made.stream_id = property(attrgetter(names[0]))
        if name in EVENTS:
            raise ValueError(f"two events are called {name}")
        EVENTS[name] = made
        return made  # type: ignore[no-any-return]

    return register


def decode(type_: str, schema: int, stream: str, data: Mapping[str, Any]) -> Event:
    """The event that was stored under this name and schema number.

    Raises LookupError for a name or schema that this code does not know.
    """
    cls = EVENTS.get(type_)
    if cls is None:
        raise LookupError(f"unknown event type {type_!r}")
    if schema > cls.SCHEMA:
        raise LookupError(f"{type_!r} has a newer schema: {schema}")
    for number in range(schema, cls.SCHEMA):
        data = UPCASTERS[(type_, number)](dict(data))
    make: Callable[..., Event] = cls
    return make(stream, **data)


@frozen
class Recorded:
    """An event at its place: workspace position, stream version, time and author.

    `at` is RFC 3339 in UTC with six decimals.
    """

    workspace_id: WorkspaceId
    seq: int
    version: int
    at: str
    actor: Actor
    event: Event
