"""What a call meets: names that move, servers that lead elsewhere, hold on or flood."""

import asyncio
import gzip
import time

import pytest

from commands.outbound import Guard, Outbound, Refused, Unreachable, looking_up
from commands.outbound.client import LARGEST
from commands.outbound.looking_up import SystemResolver
from tests.commands.outbound.places import OK, Names, canary, certificate, serving

pytestmark = pytest.mark.anyio


async def test_a_message_arrives_as_it_is(out):
    async with serving() as place:
        client = out()
        headers = {"Content-Type": "application/json", "X-Key": "secret: yes"}
        reply = await client.post(place.url + "?a=%20", headers, b'{"a":1}')
    assert (reply.status, reply.body, reply.head["content-length"]) == (200, b"ok", "2")
    assert 0 < reply.seconds < 5
    assert place.bodies == [b'{"a":1}']
    assert place.heads[0].decode().split("\r\n") == [
        "POST /in?a=%20 HTTP/1.1",
        f"Host: hook.example:{place.port}",
        "User-Agent: Tabellion",
        "Accept-Encoding: identity",
        "Content-Length: 7",
        "Content-Type: application/json",
        "X-Key: secret: yes",
        "",
        "",
    ]


async def test_connections_are_used_again_and_closed(out):
    async with serving() as place:
        client = out()
        for _ in range(3):
            await client.post(place.url, {}, b"x")
        assert place.connections == 1
        await client.close()
        await client.post(place.url, {}, b"x")  # a closed one opens again
        assert place.connections == 2
        await client.close()


# -------------------------------------------------------------- where it leads


async def test_threat_58_what_was_judged_is_what_is_connected_to(out):
    names = Names(moving_example=[["1.1.1.1"], ["127.0.0.1"]])
    async with canary() as place:
        client = out(Guard(["1.1.1.1"], ports=None), look_up=names, seconds=0.1)
        with pytest.raises(Unreachable):
            await client.post(f"http://moving.example:{place.port}/", {}, b"")
        assert names.asked == ["moving.example"]
        # its next call looks again, and is refused
        with pytest.raises(Refused):
            await client.post(f"http://moving.example:{place.port}/", {}, b"")
        assert (len(names.asked), place.connections) == (2, 0)


@pytest.mark.parametrize("inside", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_threat_58_one_inner_address_among_public_ones_refuses_all(inside, out):
    async with canary() as place:
        for found in ([inside, "1.1.1.1"], ["1.1.1.1", "2606::1", inside]):
            client = out(Guard(ports=None), look_up=Names(mixed_example=[found]))
            with pytest.raises(Refused) as told:
                await client.post(f"http://mixed.example:{place.port}/", {}, b"")
            assert inside not in str(told.value)
        assert place.connections == 0


async def test_a_host_with_an_address_that_is_down_is_found_at_its_other(out):
    async with serving() as place:
        names = Names(hook_example=[["127.0.0.2", "127.0.0.1"]])
        client = out(look_up=names)
        assert (await client.post(place.url, {}, b"")).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to", ["http://127.0.0.1:{port}/", "file:///etc/passwd", "/in"]
)
async def test_threat_59_a_redirect_is_not_followed(status, to, out):
    async with canary() as inner:
        location = to.format(port=inner.port)
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n"
        async with serving(f"{moved}Content-Length: 0\r\n\r\n".encode()) as place:
            client = out()
            reply = await client.post(place.url, {}, b"")
        assert (reply.status, reply.head["location"]) == (status, location)
        assert (len(place.heads), inner.connections) == (1, 0)


async def test_nothing_is_asked_of_proxies_and_no_cookie_is_kept(monkeypatch, out):
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with canary() as proxy, serving(cookie) as place:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        client = out()
        for _ in range(2):
            await client.post(place.url, {}, b"")
        assert proxy.connections == 0
        assert b"cookie" not in b"".join(place.heads).lower()


# -------------------------------------------------------------- what comes back


async def test_threat_67_a_packed_reply_is_not_unpacked(out):
    bomb = gzip.compress(bytes(5_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    async with serving(
        head + b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb
    ) as place:
        client = out()
        reply = await client.post(place.url, {}, b"")
    assert reply.body == bomb[:LARGEST]


async def test_threat_67_of_an_endless_reply_the_beginning_is_read(out):
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(bytes(100_000))
            await writer.drain()

    async with serving(flood) as place:
        client = out()
        reply = await client.post(place.url, {}, b"")
        assert (reply.status, len(reply.body)) == (200, LARGEST)
        await client.post(place.url, {}, b"")
        assert place.connections == 2  # nobody reads the rest of the first one


async def test_threat_67_a_reply_in_crumbs_is_read_up_to_its_size_on_the_wire(out):
    async def crumbs(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\na\r\n" * 10_000)
            await writer.drain()

    async with serving(crumbs) as place:
        client = out()
        reply = await client.post(place.url, {}, b"")
    assert reply.status == 200
    assert set(reply.body) == {ord("a")}
    assert len(reply.body) < LARGEST


async def _head_flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n" * 1000)
        await writer.drain()


async def _asides(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
        await writer.drain()


async def _garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    await writer.drain()


async def _reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _cut_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await writer.drain()
    writer.transport.abort()


@pytest.mark.parametrize("play", [_head_flood, _asides, _garbage, _reset, _cut_off])
async def test_threat_67_what_is_no_reply_is_none(play, out):
    async with serving(play) as place:
        client = out()
        with pytest.raises(Unreachable) as told:
            await client.post(place.url, {}, b"")
    assert "127.0" not in str(told.value)
    assert "SSH" not in str(told.value)


async def _hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _drip_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"H")
        await asyncio.sleep(0.02)


async def _drip_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"a")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("play", [_hang, _drip_head, _drip_body])
async def test_threat_67_all_of_a_call_has_one_time(play, out):
    async with serving(play) as place:
        client = out(seconds=0.2)
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no whole reply within 0\.2 seconds"):
            await client.post(place.url, {}, b"")
        assert time.monotonic() - began < 1
        # and its connection is not used again
        with pytest.raises(Unreachable):
            await client.post(place.url, {}, b"")
        assert place.connections == 2


async def test_a_name_that_takes_long_is_given_up():
    async def never(host: str) -> list[str]:
        await asyncio.sleep(60)
        return [host]

    client = Outbound(Guard(), look_up=never, seconds=0.1)
    with pytest.raises(Unreachable, match="no whole reply"):
        await client.post("http://slow.example/", {}, b"")


async def test_a_server_that_is_not_there_and_a_name_that_is_none(out):
    async with serving() as place:
        pass
    client = out()
    with pytest.raises(Unreachable, match=r"^The connection was refused$"):
        await client.post(place.url, {}, b"")
    with pytest.raises(Unreachable, match=r"^nowhere\.example was not found$"):
        await client.post("http://nowhere.example/", {}, b"")


# -------------------------------------------------------------------------- TLS


async def test_tls_is_by_the_urls_host(tmp_path, out):
    server, trusting = certificate(tmp_path, "hook.example")
    asked: list[str | None] = []
    server.sni_callback = lambda _, name, __: asked.append(name)
    async with serving(tls=server) as place:
        client = out(trusted=trusting)
        assert (await client.post(place.url, {}, b"x")).status == 200
    assert asked == ["hook.example"]
    assert place.bodies == [b"x"]


async def test_threat_67_a_certificate_of_another_host_or_of_nobody_is_not_good(
    tmp_path, out
):
    other, trusting = certificate(tmp_path, "other.example")
    over, trusting_over = certificate(tmp_path, "hook.example", days=-1)
    for server, trusted, said in (
        (other, trusting, "Hostname mismatch"),
        (over, trusting_over, "expired"),
        (over, None, "certificate"),
    ):
        async with serving(tls=server) as place:
            client = out(trusted=trusted)
            with pytest.raises(Unreachable, match=said) as told:
                await client.post(place.url, {}, b"secret")
            assert str(told.value).startswith("The certificate is not good: ")
            assert place.bodies == []


async def test_a_server_without_tls_is_no_https(out):
    async with serving(OK) as place:
        client = out(seconds=0.2)
        with pytest.raises(Unreachable):
            await client.post(place.url.replace("http:", "https:"), {}, b"secret")
        assert place.bodies == []


# ------------------------------------------------------------------ what is sent


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "b\r\nX-Evil: 1"},
        {"X-A": "b\nX-Evil: 1"},
        {"X-A": "b\x00"},
        {"X-A": " b"},
        {"X-A": "gr\u00fcn"},
        {"X-A\r\nX-Evil": "1"},
        {"X A": "1"},
        {"X-A:": "1"},
        {"": "1"},
        {"Host": "127.0.0.1"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "upgrade"},
    ],
)
async def test_a_header_adds_no_other_and_none_of_ours_is_replaced(headers, out):
    async with serving() as place:
        client = out()
        with pytest.raises(Refused):
            await client.post(place.url, headers, b"")
        assert place.connections == 0


async def test_of_a_header_in_two_spellings_the_last_is_sent(out):
    async with serving() as place:
        await out().post(place.url, {"Content-Type": "a/b", "content-type": "c/d"}, b"")
    (head,) = place.heads
    assert b"content-type: c/d" in head
    assert b"a/b" not in head


# -------------------------------------------------------------- looking up names


async def _gives_up(resolver: SystemResolver, host: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await resolver(host)


async def test_a_look_up_that_hangs_keeps_its_place_and_no_other(monkeypatch):
    asked = []

    def slowly(host: str) -> list[str]:
        asked.append(host)
        time.sleep(0.2 if "slow" in host else 0)
        return ["1.1.1.1"]

    monkeypatch.setattr(looking_up, "addresses_of", slowly)
    resolver = SystemResolver(most=2)
    for _ in range(3):  # one name takes one thread
        await _gives_up(resolver, "slow.example")
    assert asked == ["slow.example"]
    assert await resolver("quick.example") == ["1.1.1.1"]
    await _gives_up(resolver, "slower.example")
    await _gives_up(resolver, "quick.example")  # both places are taken
    assert await resolver("quick.example") == ["1.1.1.1"]


async def test_the_system_is_asked_for_names():
    resolver = SystemResolver()
    assert "127.0.0.1" in await resolver("localhost")
    for name in ("a..b", "x" * 64 + ".example"):
        with pytest.raises(OSError, match="was not found"):
            await resolver(name)
