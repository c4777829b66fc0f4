"""What a reply that is a file says of its name."""

import re
from urllib.parse import quote

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|;]')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


def attachment(name: str) -> str:
    """`Content-Disposition` of a file: a plain name, and its own by RFC 5987."""
    safe = _NOT_IN_NAMES.sub("_", name)
    plain = _NOT_PLAIN.sub("_", safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
