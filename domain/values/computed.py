"""The options of fields that the server computes: which fields they look at.

That those fields are there is decided under the head's lock, in `domain/computed.py`.
"""

from collections.abc import Mapping
from typing import Any

from domain.errors import Json
from domain.ids import canonical
from domain.values import formula
from domain.values.options import word
from domain.values.value import BadValue

FUNCTIONS = (
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "COUNT",
    "COUNTA",
    "COUNTALL",
    "UNIQUE",
    "CONCAT",
    "AND",
    "OR",
)


def _field_id(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name)
    if not isinstance(value, str) or (found := canonical(value)) is None:
        raise BadValue(f"Option {name} must be the id of a field")
    return found


def lookup_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "linked_field_id": _field_id(options, "linked_field_id"),
        "lookup_field_id": _field_id(options, "lookup_field_id"),
    }


def rollup_options(options: Mapping[str, Any]) -> dict[str, Json]:
    function = (word(options, "function", 20) or "").upper()
    if function not in FUNCTIONS:
        raise BadValue("Option function must be one of " + ", ".join(FUNCTIONS))
    return {
        "linked_field_id": _field_id(options, "linked_field_id"),
        "rollup_field_id": _field_id(options, "rollup_field_id"),
        "function": function,
    }


def formula_options(options: Mapping[str, Any]) -> dict[str, Json]:
    text = word(options, "formula", formula.MAX_FORMULA) or ""
    formula.check(text)
    return {"formula": text}
