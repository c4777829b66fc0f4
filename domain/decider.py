"""Deciding and folding: the two dispatch tables that the nouns fill.

    decide(command, facts) -> events      raises DomainError; changes nothing
    evolve(facts, recorded)               folds one event into the facts
    grow(catalog, recorded) -> Catalog    the same for the catalogue alone

Pure.  The tables are filled by importing `domain.nouns`.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from domain.access import Role, may
from domain.catalog import Catalog
from domain.errors import Forbidden, NotFound
from domain.events import Command, Event, Recorded
from domain.facts import Facts, Needs

Decide: TypeAlias = Callable[[Any, Facts], Sequence[Event]]
Grow: TypeAlias = Callable[[Catalog, Recorded, Any], Catalog]
Fold: TypeAlias = Callable[[Facts, Recorded, Any], None]
Ask: TypeAlias = Callable[[Any, Catalog, Needs], None]
Allow: TypeAlias = Callable[[Command, Facts], None]

F = TypeVar("F", bound=Callable[..., Any])

_DECIDE: dict[type, tuple[Decide, Role | None]] = {}
_GROW: dict[type[Event], Grow] = {}
_FOLD: dict[type, Fold] = {}
_ASK: dict[type, Ask] = {}
_ALLOW: dict[str, Allow] = {}


def decides(command: type[Command], *, role: Role | None) -> Callable[[F], F]:
    """Registers the decider of a command and the role that it needs."""

    def register(function: F) -> F:
        _DECIDE[command] = (function, role)
        return function

    return register


def grows(*events: type[Event]) -> Callable[[F], F]:
    """Registers how events change the catalogue."""

    def register(function: F) -> F:
        for one in events:
            _GROW[one] = function
        return function

    return register


def folds(*events: type[Event]) -> Callable[[F], F]:
    """Registers how events change the facts beyond the catalogue."""

    def register(function: F) -> F:
        for one in events:
            _FOLD[one] = function
        return function

    return register


def asks(*commands: type[Command]) -> Callable[[F], F]:
    """Registers which facts commands need beyond the catalogue."""

    def register(function: F) -> F:
        for one in commands:
            _ASK[one] = function
        return function

    return register


def allows(kind: str) -> Callable[[F], F]:
    """Registers what refuses commands to actors of a kind that is no member."""

    def register(function: F) -> F:
        _ALLOW[kind] = function
        return function

    return register


def decide(command: Command, facts: Facts) -> Sequence[Event]:
    """The events of a wish.  Raises DomainError where it is not allowed."""
    decider, role = _DECIDE[type(command)]
    if role is not None and facts.actor.kind == "system":
        workspace = facts.catalog.workspace
        if workspace is not None and workspace.deleted:
            raise NotFound()
    elif role is not None and facts.actor.kind in _ALLOW:
        _ALLOW[facts.actor.kind](command, facts)
    elif role is not None:
        has = facts.catalog.role_of(facts.actor.id)
        if has is None:
            raise NotFound()
        if not may(has, role):
            raise Forbidden()
    return decider(command, facts)


def needs(command: Command, catalog: Catalog, found: Needs) -> None:
    """Adds the facts that a command will look at."""
    ask = _ASK.get(type(command))
    if ask is not None:
        ask(command, catalog, found)


def changes_catalog(event: Event) -> bool:
    return type(event) in _GROW


def catalog_events() -> list[str]:
    """The names of the events that change the catalogue."""
    return sorted(event.TYPE for event in _GROW)


def commands() -> dict[type, Role | None]:
    """Every command with the role it needs."""
    return {command: role for command, (_, role) in _DECIDE.items()}


def grow(catalog: Catalog, recorded: Recorded) -> Catalog:
    return _GROW[type(recorded.event)](catalog, recorded, recorded.event)


def evolve(facts: Facts, recorded: Recorded) -> None:
    facts.position = recorded.seq
    kind = type(recorded.event)
    if kind in _GROW:
        facts.catalog = _GROW[kind](facts.catalog, recorded, recorded.event)
    if kind in _FOLD:
        _FOLD[kind](facts, recorded, recorded.event)
