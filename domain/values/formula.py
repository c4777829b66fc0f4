"""The text of a formula: cut into tokens, its `{references}` found and renamed.

    reference   {Name of a field}; \\ before a brace or a \\ in the name
    string      "…" or '…'; \\ before a quote or a \\
    the rest    numbers, names, + - * / ^ & = != <> < > <= >= ( ) ,

What a formula means is not looked at here.
"""

import re
from collections.abc import Callable, Iterator

from domain.values.value import BadValue

MAX_FORMULA = 10_000

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | \{(?P<reference>(?:[^{}\\]|\\.)+)\}
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<sign><=|>=|<>|!=|[-+*/^&=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SPECIAL = re.compile(r"([{}\\])")


def _tokens(formula: str) -> Iterator[re.Match[str]]:
    place = 0
    while place < len(formula):
        found = _TOKEN.match(formula, place)
        if found is None:
            raise BadValue(f"Formula cannot be read at character {place + 1}")
        yield found
        place = found.end()


def check(formula: str) -> None:
    """Raises BadValue where it is empty, cannot be read or leaves a bracket open."""
    depth = words = 0
    for token in _tokens(formula):
        words += token.lastgroup != "blank"
        depth += {"(": 1, ")": -1}.get(token.group(), 0)
        if depth < 0:
            raise BadValue(
                f"Formula closes at character {token.end()} what is not open"
            )
    if depth:
        raise BadValue("Formula leaves a bracket open")
    if not words:
        raise BadValue("Formula is empty")


def references(formula: str) -> list[str]:
    """The names of the fields that it refers to, each once, in their order."""
    return list(dict.fromkeys(_named(token) for token in _referring(formula)))


def renamed(formula: str, name: Callable[[str], str]) -> str:
    """The formula with each reference under the name that `name` gives it."""
    parts, place = [], 0
    for token in _referring(formula):
        parts.append(formula[place : token.start()])
        parts.append("{" + _SPECIAL.sub(r"\\\1", name(_named(token))) + "}")
        place = token.end()
    return "".join([*parts, formula[place:]])


def _referring(formula: str) -> Iterator[re.Match[str]]:
    return (token for token in _tokens(formula) if token.lastgroup == "reference")


def _named(token: re.Match[str]) -> str:
    return _ESCAPED.sub(r"\1", token["reference"])
