"""Routes as data: what a surface is a table of.

OpenAPI, the access test and the dispatcher read these rows and nothing else.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import BaseModel

from api.http import Reply, Request, Streamed
from api.limits import Limits
from domain.access import Role

# a parameter of the query: its name, its JSON type or schema, what it means
Parameter: TypeAlias = tuple[str, str | Mapping[str, Any], str]
# raises DomainError for whom it does not let in
Admits: TypeAlias = Callable[[Any, Request, Limits | None], Awaitable[None]]
Handler: TypeAlias = Callable[[Any, Request], Awaitable[Reply | Streamed]]


@dataclass(frozen=True)
class Route:
    """One operation of a surface.

    `role` is what the caller needs in the workspace of the thing that is named; None
    where any signed-in user may, or, with `public`, anybody.  A `planned` route is
    documented and answers 501.  One with a `form` reads its body itself, in parts.
    One that is `alone` commits by itself, and more than once or in a way of its own.
    One that `waits` for something to happen ends where the client goes.
    """

    method: str
    path: str
    summary: str
    handler: Handler | None
    tag: str
    role: Role | None = None
    public: bool = False
    planned: bool = False
    waits: bool = False
    status: int = 200
    body: type[BaseModel] | None = None
    body_needed: bool = True
    form: Mapping[str, Any] | None = None  # the same of multipart/form-data
    response: Mapping[str, Any] | None = None  # a JSON schema
    # other successes; an empty schema where there is no JSON
    also: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    query: Sequence[Parameter] = ()
    needs: Sequence[str] = ()  # which of `query` have to be there
    # of headers that it reads beyond the usual: name, pattern, meaning
    headers: Sequence[tuple[str, str, str]] = ()
    errors: Sequence[int] = field(default_factory=tuple)
    media: Sequence[str] = ("application/json",)  # of a success
    alone: bool = False
    repeats: bool = False  # the same again has its effect again: it takes no key
    largest: int | None = None  # bytes of a body, where fewer than of any
    # for its document: what the summary has no room for; bodies by what they show
    description: str = ""
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # who may come in and how often, where the path says who it is
    admits: Admits | None = None

    @property
    def joins(self) -> bool:
        """Whether it may be an operation of a batch: writes of a workspace may, with
        JSON or nothing as their body, unless they are `alone`."""
        writes = self.role is not None and self.role >= Role.editor
        odd = self.public or self.planned or self.alone or self.form is not None
        return writes and self.method != "GET" and not odd

    @property
    def makes_one(self) -> bool:
        """Whether its success is a new thing with an id."""
        made = self.response or {}
        return self.status == 201 and "id" in made.get("properties", {})

    @property
    def parameters(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


class _Node:
    __slots__ = ("fixed", "methods", "parameter")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.parameter: tuple[str, _Node] | None = None
        self.methods: dict[str, Route] = {}


class Routes:
    """Finds a route by method and path; a fixed segment comes before a parameter."""

    def __init__(self, rows: Iterable[Route]) -> None:
        self.rows = tuple(rows)
        self._root = _Node()
        for route in self.rows:
            node = self._root
            for part in _segments(route.path):
                if part.startswith("{"):
                    if node.parameter is None:
                        node.parameter = (part[1:-1], _Node())
                    node = node.parameter[1]
                else:
                    node = node.fixed.setdefault(part, _Node())
            if route.method in node.methods:
                raise ValueError(f"two routes at {route.method} {route.path}")
            node.methods[route.method] = route

    def find(self, path: str) -> tuple[Mapping[str, Route], dict[str, str]]:
        """The routes at a path by method, and its parameters; none for unknown."""
        return self._descend(self._root, _segments(path), 0, {})

    def _descend(
        self, node: _Node, parts: Sequence[str], at: int, found: dict[str, str]
    ) -> tuple[Mapping[str, Route], dict[str, str]]:
        if at == len(parts):
            return node.methods, found
        fixed = node.fixed.get(parts[at])
        if fixed is not None:
            methods, values = self._descend(fixed, parts, at + 1, found)
            if methods:
                return methods, values
        if node.parameter is not None:
            name, below = node.parameter
            return self._descend(below, parts, at + 1, {**found, name: parts[at]})
        return {}, found


def _segments(path: str) -> list[str]:
    """A path's segments; one slash at its end does not matter."""
    return path.removesuffix("/").split("/")[1:]
