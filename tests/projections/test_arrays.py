"""Array literals: what Postgres reads back is what was written."""

from hypothesis import example, given
from hypothesis import strategies as st

from projections.arrays import text_array

# what a text column can hold: no NUL, no lone surrogate
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


def parsed(literal: str) -> list[str | None]:
    """The items of a one-dimensional literal, by the rules of the manual, §8.15.2:
    between quotes a backslash makes the next character itself, and NULL is bare."""
    assert literal[0] == "{"
    assert literal[-1] == "}"
    rest, items = literal[1:-1], list[str | None]()
    while rest:
        if rest[0] == '"':
            item, rest = _quoted(rest[1:])
            items.append(item)
        else:
            bare, comma, rest = rest.partition(",")
            items.append(None if bare.upper() == "NULL" else bare)
            rest = comma + rest
        assert rest[:1] in ("", ",")
        rest = rest[1:]
    return items


def _quoted(rest: str) -> tuple[str, str]:
    """What stands before the closing quote, and what comes after it."""
    item, at = "", 0
    while rest[at] != '"':
        at += rest[at] == "\\"
        item += rest[at]
        at += 1
    return item, rest[at + 1 :]


@given(st.lists(st.none() | TEXTS))
@example([])
@example(["", "NULL", "null", None, "{}", "a,b", '"', "\\", "\\\\", '\\"', " "])
@example(["line\nfeed\ttab\rreturn", "\x01\x1f\x7f", "\\n", "\\\n", '"\n"\\'])
@example(["\u2028\ufffe𝄞 Zoë"])
def test_texts_are_read_back_as_they_are(items: list[str | None]):
    assert parsed(text_array(items)) == items


@given(st.lists(st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)))
def test_booleans_and_integers_stand_bare(items: list[bool | int | None]):
    spelled = {True: "true", False: "false"}
    expected = [
        spelled[one] if isinstance(one, bool) else None if one is None else str(one)
        for one in items
    ]

    assert parsed(text_array(items)) == expected


def test_they_are_spelled_the_same_beside_a_control_character():
    assert text_array([True, 7, None, "a"]) == '{true,7,null,"a"}'
    assert text_array([True, 7, None, "\n"]) == '{true,"7",null,"\n"}'
