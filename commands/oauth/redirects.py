"""Where a browser may be sent after it signed in: to origins that are named.

Pure.  An origin is compared whole: scheme, host and port.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit

LONGEST = 2000  # characters
_PLAIN = re.compile(r"[!-~]+")  # printable ASCII without blanks
_DEFAULT_PORTS = {"http": 80, "https": 443}
ANY_PORT = ":*"


def origin_of(address: str) -> str | None:
    """As browsers write it; None for what may not be a browser's way back.

    That is: anything but http and https, a user before the host, a fragment, and what
    browsers read in another way than we do.
    """
    if len(address) > LONGEST or not _PLAIN.fullmatch(address):
        return None
    if any(one in address for one in "\\#"):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    if ":" in host:
        host = f"[{host}]"
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def is_allowed(address: str, origins: Iterable[str]) -> bool:
    """Whether the address is at one of the origins; `…:*` is any port of a host."""
    origin = origin_of(address)
    if origin is None:
        return False
    named = set(origins)
    scheme, _, place = origin.partition("://")
    host = re.sub(r":\d+$", "", place)
    return origin in named or f"{scheme}://{host}{ANY_PORT}" in named


def with_query(address: str, values: dict[str, str]) -> str:
    separator = "&" if "?" in address else "?"
    return f"{address}{separator}{urlencode(values)}"
