"""Which addresses may be called for somebody: those that anybody on the internet
reaches as well, and networks that the settings open.

A table of our own and not `ipaddress.is_global`, which answers another question, and
another one in each release of Python: it takes multicast and 64:ff9b::7f00:1, behind
which is 127.0.0.1, for global.  Of IPv6 only what IANA gives out as global unicast is
public; the rest is not known to be.  Pure.

Source: IANA's special-purpose address registries for IPv4 and IPv6.
"""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self

from commands.outbound import urls
from commands.outbound.errors import Refused
from commands.outbound.urls import Address, Target
from commands.settings import Settings

_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        [
            "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by carriers; a cloud's metadata in it
            "127.0.0.0/8",
            "168.63.129.16/32",  # a cloud's own host, at an address that looks public
            "169.254.0.0/16",  # link-local: metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; a cloud's metadata in it
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ],
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        [
            "2001::/23",  # protocol assignments
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ],
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")


def is_public(address: Address) -> bool:
    """Whether anybody on the internet reaches `address`, and at the same place."""
    if isinstance(address, IPv4Address):
        return not any(address in one for one in _NOT_PUBLIC_4)
    if carried := carried_by(address):
        return all(map(is_public, carried))
    return address in _GLOBAL_UNICAST and not any(
        address in one for one in _NOT_PUBLIC_6
    )


def carried_by(address: IPv6Address) -> Sequence[IPv4Address]:
    """The IPv4 addresses to which an IPv6 address is only a wrapper; none of most.

    64:ff9b:1::/48 is not among them: where in it an IPv4 address is, each network
    chooses (RFC 8215), so what is in it is nowhere public.
    """
    number = int(address)
    if address in _MAPPED or address in _NAT64:
        return [IPv4Address(number & 0xFFFFFFFF)]
    if address in _6TO4:
        return [IPv4Address(number >> 80 & 0xFFFFFFFF)]
    if address in _TEREDO:  # the server's, and its client's with all bits turned
        return [
            IPv4Address(number >> 64 & 0xFFFFFFFF),
            IPv4Address(~number & 0xFFFFFFFF),
        ]
    return []


class Guard:
    """What may be called.  `ports`: None are all."""

    def __init__(
        self,
        networks: Iterable[str] = (),
        ports: Iterable[int] | None = urls.PORTS.values(),
    ) -> None:
        self._networks: Sequence[IPv4Network | IPv6Network] = [
            ip_network(one) for one in networks
        ]
        self._ports = None if ports is None else frozenset(ports)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        ports = settings.outbound_ports
        return cls(
            settings.outbound_allow, None if "*" in ports else [int(p) for p in ports]
        )

    def target(self, url: str) -> Target:
        """Where `url` leads, as far as that is known without a look-up.

        Raises Refused, also for an address that may not be called.
        """
        target = urls.read(url)
        self._check_port(target.port)
        if target.address is not None:
            self._check_all(target.host, [target.address])
        return target

    def check(self, host: str, port: int, found: Sequence[str]) -> Sequence[Address]:
        """The addresses that `host` has, if each of them may be called.

        Each: whoever names a host with a public address and one that is not means the
        other.  Raises Refused.
        """
        self._check_port(port)
        addresses = [ip_address(one) for one in found]
        self._check_all(host, addresses)
        return addresses

    def allows(self, address: Address) -> bool:
        if any(address in network for network in self._networks):
            return True
        if isinstance(address, IPv6Address) and (carried := carried_by(address)):
            return all(map(self.allows, carried))
        return is_public(address)

    def _check_port(self, port: int) -> None:
        if self._ports is not None and port not in self._ports:
            raise Refused(f"This server does not call port {port}")

    def _check_all(self, host: str, addresses: Iterable[Address]) -> None:
        if not all(map(self.allows, addresses)):
            raise Refused(
                f"{host} is not a public address; whoever runs this server may allow it"
            )
