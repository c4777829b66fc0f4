"""What a client says it has: tags of the public API's replies.

W/"p12"                 of position 12: nothing that shows was written since
W/"p12-1700000000"      so too, and this the last moment that time made it another
W/"p12-raw"             with HTML as it was given
"""

import re
from typing import TypeAlias

from api.http import Request

_TAG = re.compile(r'W/"(p(\d{1,18})(-\d{1,18})?(-raw)?)"', re.ASCII)

Claims: TypeAlias = list[tuple[str, int]]
ANYTHING: Claims = [("*", 0)]


def claims_of(request: Request) -> Claims:
    """What the client says it has: tags of ours, with their positions."""
    given = request.headers.get(b"if-none-match")
    if given is None:
        return []
    if given.strip() == b"*":
        return ANYTHING
    return [
        (found[1], int(found[2])) for found in _TAG.finditer(given.decode("latin-1"))
    ]


def holds(claims: Claims, position: int, turned: str, head: int) -> bool:
    """Whether one of them is the present reply: of the same time (`turned`), and of a
    position after which nothing was written."""
    if not claims:
        return False
    if claims is ANYTHING:
        return True
    return any(
        position <= claimed <= head and said == f"p{claimed}{turned}"
        for said, claimed in claims
    )
