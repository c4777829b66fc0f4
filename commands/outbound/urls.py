"""Reading a URL that a user gave: what it says in one way only, or a refusal.

Programs differ in what they make of odd spellings, and what one judges another calls.
So they are refused here rather than mended: blanks, backslashes, names and passwords,
zones, hosts beyond ASCII, and numbers that some resolvers take for an address.
Pure.
"""

import re
import string
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias
from urllib.parse import quote, urlsplit

from commands.outbound.errors import Refused

Address: TypeAlias = IPv4Address | IPv6Address

PORTS = {"http": 80, "https": 443}
LONGEST = 2048  # characters of a URL
_LONGEST_NAME = 253  # characters: RFC 1035
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_AUTHORITY = re.compile(
    rf"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>{_LABEL}(?:\.{_LABEL})*\.?))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
# no name ends so (RFC 3696), and resolvers read 127.1, 0x7f.1 and 2130706433 as numbers
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads.  `path` has its query; `address`: of a host that is one."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """The host as a Host header has it, with a port that needs saying."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"


def read(url: str) -> Target:
    """Raises Refused."""
    if len(url) > LONGEST:
        raise Refused(f"The URL is longer than {LONGEST} characters")
    if not url.isprintable() or " " in url or "\\" in url:
        raise Refused(
            "The URL has a blank, a backslash or a character that is not seen"
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Refused("The URL cannot be read") from error
    if parts.scheme not in PORTS:
        raise Refused("The URL has to begin with http:// or https://")
    if "@" in parts.netloc:
        raise Refused("The URL has a name or a password before its host")
    found = _AUTHORITY.fullmatch(parts.netloc)
    if found is None or len(found["name"] or "") > _LONGEST_NAME:
        raise Refused(
            "The URL's host is missing or misspelled: one beyond ASCII is written as"
            " xn--…, an address as 192.0.2.1 or [2001:db8::1]"
        )
    port = int(found["port"] or PORTS[parts.scheme])
    if not 0 < port < 65536:
        raise Refused("The URL's port is not one of 1 to 65535")
    address = _address(found["name"], found["six"])
    query = f"?{parts.query}" if parts.query else ""
    return Target(
        scheme=parts.scheme,
        host=str(address) if address is not None else found["name"].lower(),
        port=port,
        path=quote((parts.path or "/") + query, safe=string.punctuation),
        address=address,
    )


def _address(name: str | None, six: str | None) -> Address | None:
    try:
        if six is not None:
            return IPv6Address(six)
        assert name is not None
        if not _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]):
            return None
        return IPv4Address(name)
    except ValueError as error:
        raise Refused(
            "An address in a URL is written as 192.0.2.1 or [2001:db8::1]"
        ) from error
