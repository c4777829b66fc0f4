"""Nothing inside is reached, however it is spelled and whatever names lead to it."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

import pytest

from commands.outbound import Guard, Refused, Unreachable
from commands.outbound.looking_up import addresses_of
from tests.commands.outbound.places import Names, canary

pytestmark = pytest.mark.anyio

INSIDE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
]
CIRCLED = str.maketrans("0123456789.", "⓪①②③④⑤⑥⑦⑧⑨。")
WIDE = str.maketrans("0123456789.", "0123456789．")  # noqa: RUF001
NAMES = {
    "localtest.me": ["127.0.0.1"],
    "127.0.0.1.nip.io": ["127.0.0.1"],
    "inside.example": ["10.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "six.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "linked.example": ["fe80::1%lo"],
    "mixed.example": ["1.1.1.1", "127.0.0.1"],
    "mixed-six.example": ["2606:4700::1", "::1"],
    "xn--bcher-kva.example": ["127.0.0.1"],
}


def hosts_of(address: str) -> Iterator[str]:
    """The spellings of an IPv4 address that some program or other takes."""
    a, b, c, d = IPv4Address(address).packed
    number = int(IPv4Address(address))
    yield from [
        address,
        f"{address}.",
        f"{address}..",
        str(number),
        str(number + 2**32),
    ]
    yield from [hex(number), f"0{number:o}", f"0x{number:08X}"]
    yield from [f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{c * 256 + d}"]
    yield from [f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"]
    yield from [f"{a:03}.{b:03}.{c:03}.{d:03}", f"0x{a:x}.{b}.0{c:o}.{d}"]
    yield from [address.translate(CIRCLED), address.translate(WIDE)]
    yield from [address.replace(".", "%2e"), address.replace(".", "。")]
    yield from [f"a@{address}", f"1.1.1.1@{address}", f"1.1.1.1:80@{address}"]
    yield from [f"1.1.1.1\\@{address}", f"{address}\\.1.1.1.1", f"[{address}]"]
    yield from [
        f"{address}%00.example",
        f" {address}",
        f"{address}\t",
        f"\r\n{address}",
    ]
    high, low = number >> 16, number & 0xFFFF
    tail = f"{high:x}:{low:x}"
    yield from [f"[::ffff:{tail}]", f"[::ffff:{address}]", f"[::{tail}]"]
    yield from [f"[0:0:0:0:0:ffff:{tail}]", f"[::ffff:0:{tail}]"]
    yield from [f"[64:ff9b::{tail}]", f"[64:ff9b::{address}]", f"[64:ff9b:1::{tail}]"]
    yield from [f"[2002:{tail}::]", f"[2002:{tail}::1]", f"[2001:0:{tail}::]"]
    yield f"[2001:0:101:101:0:0:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}]"
    yield from [f"[::ffff:{tail}%25lo]", f"[{tail}]", f"[fe80::{tail}%eth0]"]


OTHERS = [
    *NAMES,
    *(f"{name}." for name in NAMES),
    "localhost",
    "LOCALHOST.",
    "0",
    "0x0",
    "00",
    "127.1",
    "0x7f.1",
    "017700000001",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::1%25lo]",
    "[fe80::1%eth0]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
]


async def test_threat_57_no_spelling_of_an_inner_address_is_called(out):
    names = Names(**{k.replace(".", "_"): [v] for k, v in NAMES.items()})

    async def look_up(host: str) -> Sequence[str]:
        name = host.rstrip(".").lower()
        return addresses_of(name) if name == "localhost" else await names(name)

    hosts = [*(host for one in INSIDE for host in hosts_of(one)), *OTHERS]
    assert len(set(hosts)) > 400
    async with canary() as place:
        client = out(Guard(ports=None), look_up=look_up)
        called = []
        for host in hosts:
            for scheme in ("http", "https"):
                try:
                    await client.post(f"{scheme}://{host}:{place.port}/", {}, b"")
                except Refused:
                    continue
                except Unreachable as error:
                    called.append((host, str(error)))
        assert called == []
        assert place.connections == 0


@pytest.mark.parametrize("host", ["0", "127.1", "0x7f.1", "2130706433", "017700000001"])
def test_threat_57_what_the_system_makes_of_a_number_is_judged(host):
    try:
        found = addresses_of(host)
    except OSError:  # a system that takes it for no address
        return
    with pytest.raises(Refused):
        Guard().check(host, 80, found)


async def test_the_canary_sees_who_calls_it(out):
    async with canary() as place:
        client = out()
        reply = await client.post(f"http://127.0.0.1:{place.port}/", {}, b"")
        assert (reply.status, place.connections) == (200, 1)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "ftp://127.0.0.1/",
        "unix:///var/run/postgresql",
        "dict://127.0.0.1:11211/stats",
        "jar:http://127.0.0.1!/",
        "http://public.example:22/",
        "http://public.example:6379/",
        "https://public.example:5432/",
    ],
)
async def test_threat_57_only_http_and_its_ports(url, out):
    client = out(Guard(), look_up=Names(public_example=[["1.1.1.1"]]))
    with pytest.raises(Refused):
        await client.post(url, {}, b"")
