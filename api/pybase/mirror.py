"""How clients of other servers of this API spell what the document leaves open."""

from itertools import pairwise
from typing import Any

from domain.errors import Invalid

_WORDS = {"and": "AND", "or": "OR"}


def native_filters(value: Any) -> Any:
    """`[{field_id, operator, value, conjunction}, …]` as this surface's own filter.

    A conjunction joins its condition to all that stand before it; the first one's says
    nothing, and `and` is meant where there is none.  Anything else stays as it is.
    """
    if not isinstance(value, list) or not any(
        isinstance(one, dict) and "conjunction" in one for one in value
    ):
        return value
    words = [_conjunction(one) for one in value]
    items = [_without(one) for one in value]
    # runs of one word are one group, so that a long list is not a deep tree
    joined: Any = items[0]
    run: list[Any] = [joined]
    for (before, word), item in zip(pairwise(["", *words[1:]]), items[1:], strict=True):
        run = [*run, item] if word == before else [joined, item]
        joined = {word: run}
    return joined


def _conjunction(condition: Any) -> str:
    said = condition.get("conjunction") if isinstance(condition, dict) else None
    word = _WORDS.get(said.lower()) if isinstance(said, str) else None
    if said is not None and word is None:
        raise Invalid("The conjunction of a condition must be and or or")
    return word or "AND"


def _without(condition: Any) -> Any:
    if not isinstance(condition, dict):
        return condition
    return {key: one for key, one in condition.items() if key != "conjunction"}
