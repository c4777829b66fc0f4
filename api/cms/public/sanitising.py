"""HTML that leaves for anybody: the one place that cleans it.

What is stored stays as it was given; members read that.  What the public reads has the
tags of a text — paragraphs, headings, lists, links, images, tables — and nothing that
runs, loads by itself from elsewhere than an image's address, or leads to anything but
a web page, a mail or a telephone.
"""

from typing import Any, Final

import nh3
import orjson

SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
REL: Final = "noopener noreferrer nofollow"
_CLEANER = nh3.Cleaner(
    tags=set(nh3.ALLOWED_TAGS) - {"area", "map"},
    url_schemes=set(SCHEMES),
    link_rel=REL,
)


def clean(html: str) -> str:
    return _CLEANER.clean(html)


def clean_json(text: str) -> str:
    """The JSON text of a value, every string in it cleaned."""
    return orjson.dumps(_cleaned(orjson.loads(text))).decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(one) for name, one in value.items()}
    return value
