"""What Schemathesis makes up, turned to things that are there.

Only requests that are to be accepted are touched: each gets an Idempotency-Key of its
own, says nothing twice, and two of three are about the seeded workspace, with values
that its table takes.  What is seeded is never deleted.  A version and a position that
were made up are never those of a thing: no request names one.  Nobody waits for long.
"""

import json
import os
import re
from itertools import count
from typing import Any, TypeAlias

import schemathesis

from api import openapi

Case: TypeAlias = schemathesis.Case[Any]

SEED: dict[str, Any] = json.loads(os.environ["CONFORMANCE_SEED"])
IDS: dict[str, str] = SEED["ids"]
VALUES: dict[str, Any] = SEED["values"]
NAMES: dict[str, str] = SEED["names"]
POSITION = re.compile(openapi.POSITION)
_NUMBERS = count(1)


@schemathesis.hook
def map_case(_context: schemathesis.HookContext, case: Case) -> Case:
    if POSITION.fullmatch(str(case.headers.get("X-Min-Position"))):
        case.headers["X-Min-Position"] = "0"  # a later one is 503 until it is reached
    if isinstance(case.query.get("wait"), int) and case.query["wait"] <= 60:
        case.query["wait"] = 0
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    number = next(_NUMBERS)
    if set(NAMES) <= set(case.path_parameters):
        _by_name(case, number)
        return case
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"case-{number}"
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    _say_once(case.query)
    if isinstance(case.body, dict):
        _say_once(case.body)
    if case.path.endswith("/constraints") and case.method == "GET":
        case.query["table_id"] = IDS["table"]  # this or a field_id has to be there
    if case.path.endswith("/events/stream"):
        _stream_what_there_is(case)
    if case.method == "DELETE":
        _spare(case)
    elif number % 3:
        _turn(case, number)
    return case


def _stream_what_there_is(case: Case) -> None:
    """From the start, so that nothing has to be waited for."""
    case.query = {
        name: value
        for name, value in case.query.items()
        if name not in ("after", "types", "table_id")
    }
    case.headers.pop("Last-Event-ID", None)


def _by_name(case: Case, number: int) -> None:
    """The seeded table, two times of three; a sort that is a column."""
    if number % 3:
        case.path_parameters.update(NAMES)
        if "entry_id" in case.path_parameters and "entry" in IDS:
            case.path_parameters["entry_id"] = IDS["entry"]
    if case.query.get("limit") == "all":
        case.query["format"] = "csv"
    if "sort" in case.query:
        case.query["sort"] = "text"


def _say_once(named: Any) -> None:
    """Two words for one thing have to agree: one of them is enough."""
    for word, other in (("limit", "page_size"), ("offset", "page")):
        if word in named and other in named:
            del named[other]
    if isinstance(named.get("page"), int):
        named["page"] = min(named["page"], 2_000_000)  # how far depends on the size


def _spare(case: Case) -> None:
    for name, value in case.path_parameters.items():
        if value in IDS.values():
            case.path_parameters[name] = SEED["absent"]


def _turn(case: Case, number: int) -> None:
    before, _, _ = case.path.partition("/{id}")
    noun = before.rpartition("/")[2].removesuffix("s")
    noun = "entry" if noun == "entrie" else noun
    if "id" in case.path_parameters and noun in IDS:
        case.path_parameters["id"] = IDS[noun]
    _fill(case.query, number)
    if isinstance(case.body, dict):
        _fill(case.body, number)


def _fill(named: Any, number: int) -> None:
    """Ids of what is there, and values of its table."""
    for name, value in list(named.items()):
        noun = name.removesuffix("_id").replace("_", "-")
        if name.endswith("_id") and noun in IDS and value is not None:
            named[name] = IDS[noun]
        elif name in ("fields", "data") and isinstance(value, dict):
            named[name] = _some_values(number)
        elif name in ("records", "updates"):
            for item in value:
                _fill(item, number)


def _some_values(number: int) -> dict[str, Any]:
    names = sorted(VALUES)
    start = number % len(names)
    return {name: VALUES[name] for name in names[start : start + 4]}
