"""Names for URLs: what a base, a table and a field are called in a path or a query.

    base    `db_name`    unique in its workspace
    table   `slug`       unique in its base; a public one's also in its workspace, and
                         no word of `RESERVED_TYPES`
    field   `api_name`   unique in its table, and no word of `RESERVED_COLUMNS`

Pure.  A name is lower-case ASCII letters, digits and single underscores; of a table
hyphens too.  It is made from the name at creation (`url-name-1`), stands in the event
of the creation, and stays through every rename.  It is never given a second time, not
even when what has it is deleted: a URL never comes to mean another thing, and what is
restored is what it was.

A table's and a field's may also be chosen.  What is chosen has to be free of what is
live alone, and what was deleted comes back only while its name is free.

**url-name-1**, which is also the name of what was created before names stood in events:
the characters' compatibility forms (NFKD of Unicode 3.2, the same in every Python), the
letters of `_LETTERS` by two or one of ASCII, marks left out, lower case, one underscore
for each run of everything else and none at the ends, at most 56 characters.  Where
nothing is left, the kind and how many siblings there were (`base_3`, `t_3`, `field_3`).
A name that is taken or reserved goes on with `_2`, `_3`, …  It is never changed: a
better rule gets another number.
"""

import re
from collections.abc import Collection
from typing import Final, Literal
from unicodedata import ucd_3_2_0

Kind = Literal["base", "t", "field"]

MOST = 56  # characters, before the number that may follow
# what a query says beside columns, and the columns that every row has
RESERVED_COLUMNS: Final = frozenset(
    [
        *("page", "limit", "sort", "direction", "format", "include", "as_of"),
        *("id", "record_id"),
    ]
)
# a word of a public path where the slug of a public table could stand
RESERVED_TYPES: Final = frozenset({"media"})
NAME: Final = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*", re.ASCII)
SLUG: Final = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)  # of a table

_LETTERS: Final = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "Æ": "ae",
        "œ": "oe",
        "Œ": "oe",
        "ø": "o",
        "Ø": "o",
        "đ": "d",
        "Đ": "d",
        "ð": "d",
        "Ð": "d",
        "þ": "th",
        "Þ": "th",
        "ł": "l",
        "Ł": "l",
        "\u0131": "i",
    }
)
_OTHER: Final = re.compile(r"[^a-z0-9]+", re.ASCII)


def url_name(
    kind: Kind,
    name: str,
    taken: Collection[str],
    siblings: int,
    between: Literal["_", "-"] = "_",
) -> str:
    """The name of a new thing by url-name-1: `taken` are its siblings' names, deleted
    ones too, `siblings` how many they are.  `between` words and before the number."""
    stem = (_stem(name) or f"{kind}_{siblings + 1}").replace("_", between)
    if kind == "field" and stem in RESERVED_COLUMNS:
        taken = {*taken, stem}
    found, number = stem, 2
    while found in taken:
        found = f"{stem}{between}{number}"
        number += 1
    return found


def _stem(name: str) -> str:
    plain = ucd_3_2_0.normalize("NFKD", name.translate(_LETTERS))
    letters = "".join(one for one in plain if not ucd_3_2_0.combining(one))
    return _OTHER.sub("_", letters.lower()).strip("_")[:MOST].rstrip("_")
