"""Row 106: too much, too deep, too long, too slow, and what cannot be read."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from api import protocol
from api.http import MAX_DEPTH
from tests.client import Client, Json, made, running_server

KIND = {"content-type": "application/json"}
HEAD = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n"
POST = (
    b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
)


def check(text: bytes, status: int, code: str) -> Json:
    """A refusal as it came over the wire; its body."""
    head, _, rest = text.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0].split()[1] == str(status), text[:500]
    assert "content-type: application/json" in lines
    assert "connection: close" in lines
    assert "x-content-type-options: nosniff" in lines
    assert any(line.startswith("x-request-id: ") for line in lines)
    body: Json = json.loads(rest)
    assert body["code"] == code
    return body


class Wire:
    """A connection on which a test writes what it likes."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def reply(self) -> bytes:
        """All that comes until the server ends the connection."""
        parts = []
        while part := self._socket.recv(65_536):
            parts.append(part)
        return b"".join(parts)


@pytest.fixture
def wire(server) -> Iterator[Wire]:
    with Wire(server.url) as wire:
        yield wire


@pytest.fixture
def table(client):
    return client.table({"name": "F", "type": "number"}, "Name")


@pytest.fixture(scope="module")
def kept_table(client):
    """The same for all requests that are refused."""
    return client.table({"name": "F", "type": "number"}, "Name")


# ---------------------------------------------------------- heads that are too large


@pytest.mark.parametrize("size", [65_600, 100_000, 3_000_000])
def test_threat_106_a_target_that_is_too_long(attack, wire, size):
    with attack.nothing_happens():
        target = b"/api/v1/records?filter=" + b"x" * size
        wire.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        body = check(wire.reply(), 414, "URI_TOO_LONG")

    assert body["detail"] == "The path with its query is too long"


def test_threat_106_a_target_of_sixty_thousand_characters_is_read(client, table):
    params = {"table_id": table["id"], "filter": json.dumps({"Name": "x" * 60_000})}

    assert made(client.get("/records", params=params))["total"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Large: " + b"x" * 66_000 + b"\r\n",
        b"X-" + b"y" * 66_000 + b": x\r\n",
        b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(70)),
        b"".join(b"X-%d: x\r\n" % n for n in range(10_000)),
        b"Cookie: " + b"x" * 5_000_000 + b"\r\n",
    ],
    ids=["a value", "a name", "together", "number", "megabytes"],
)
def test_threat_106_headers_that_are_too_large(attack, wire, headers):
    with attack.nothing_happens():
        wire.send(HEAD + headers + b"\r\n")
        body = check(wire.reply(), 431, "HEADERS_TOO_LARGE")

    assert body["limit"] == 65_536


def test_threat_106_a_header_without_an_end(attack, wire):
    with attack.nothing_happens():
        wire.send(HEAD + b"X-Endless: ")
        for _ in range(20):
            wire.send(b"x" * 20_000)
        check(wire.reply(), 431, "HEADERS_TOO_LARGE")


@pytest.mark.parametrize("part", [b"0\r\nX-Endless: ", b"1;"], ids=["trailer", "chunk"])
def test_threat_106_a_trailer_or_a_name_of_a_chunk_without_an_end(attack, wire, part):
    with attack.nothing_happens():
        wire.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + part)
        for _ in range(20):
            wire.send(b"x" * 20_000)
        reply = wire.reply()

    status = reply.split(b" ", 2)[1]
    assert status in (b"400", b"431")


def test_threat_106_two_hundred_headers_are_read(client):
    headers = {f"x-{number}": "x" for number in range(190)}

    assert client.get("/users/me", headers=headers).status_code == 200


def test_threat_106_the_largest_headers_are_a_setting(settings, database):
    changed = settings.model_copy(update={"max_header_bytes": 4096})
    with running_server(changed, database) as server, Client(server.url) as client:
        small = client.get("/health", headers={"x-some": "x" * 3000})
        large = client.get("/health", headers={"x-some": "x" * 4096})

    assert (small.status_code, large.status_code) == (200, 431)
    assert large.json()["limit"] == 4096


# ------------------------------------------------------------ what cannot be read


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a hello of TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        HEAD + b"Bad Name: x\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
    ],
    ids=lambda data: repr(data[-30:]),
)
def test_threat_106_what_is_no_request(attack, wire, data):
    with attack.nothing_happens():
        wire.send(data)
        check(wire.reply(), 400, "BAD_REQUEST")


def test_threat_106_a_refusal_does_not_stand_in_another_reply(wire):
    """Two requests at once, the second of which is none: the first is not mixed up."""
    wire.send(HEAD + b"\r\n" + b"GET\0/ HTTP/1.1\r\n\r\n")
    reply = wire.reply()

    assert reply.count(b"HTTP/1.1 ") <= 1


# ------------------------------------------------------------- clients that are slow


@pytest.fixture
def impatient(settings, database, monkeypatch):
    monkeypatch.setattr(protocol, "PATIENCE", 0.5)
    with running_server(settings, database) as server:
        yield server


def test_threat_106_a_head_that_does_not_end(impatient):
    with Wire(impatient.url) as wire:
        started = time.monotonic()
        wire.send(b"GET /api/v1/health HTTP/1.1\r\n")
        for number in range(3):  # a client that keeps sending is no quicker
            time.sleep(0.1)
            wire.send(b"X-%d: x\r\n" % number)
        check(wire.reply(), 408, "REQUEST_TIMEOUT")

    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 1000\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"],
    ids=["length", "chunks"],
)
def test_threat_106_a_body_that_does_not_end(impatient, framing):
    with Wire(impatient.url) as wire:
        wire.send(POST + framing)
        check(wire.reply(), 408, "REQUEST_TIMEOUT")


def test_threat_106_who_says_nothing_is_let_go(impatient):
    with Wire(impatient.url) as wire, Wire(impatient.url) as blank:
        blank.send(b"\r\n")
        assert (wire.reply(), blank.reply()) == (b"", b"")


def test_threat_106_a_body_that_keeps_coming_is_waited_for(impatient):
    with Wire(impatient.url) as wire:
        size = protocol.LEAST * 4
        wire.send(
            POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (size * 2)
        )
        for _ in range(8):  # 1.6 s in all
            time.sleep(0.2)
            wire.send(b" " * (size // 4))
        reply = wire.reply()

    assert reply.startswith(b"HTTP/1.1 400 ")  # blanks are no JSON


def test_threat_106_a_reply_that_takes_its_time_is_not_cut_off(impatient):
    with Client(impatient.url) as client:
        client.register()
        workspace = client.workspace()
        path = f"/events?workspace_id={workspace['id']}&after=1000&wait=2"
        assert client.get(path).status_code in (200, 400, 422)
        time.sleep(1)
        assert client.get("/users/me").status_code == 200


# ----------------------------------------------------------------------- bodies


def test_threat_106_a_body_that_is_too_large(attack, client, settings):
    body = b'{"name": "' + b"x" * (settings.max_body_bytes + 1_000_000) + b'"}'

    reply = attack(
        client, "POST", "/workspaces", expect=413, content=body, headers=KIND
    )

    assert reply.json()["limit"] == settings.max_body_bytes


@pytest.mark.parametrize("kind", ["gzip", "deflate", "br", "x-gzip, gzip"])
def test_threat_106_a_compressed_body_is_not_unpacked(attack, client, kind):
    headers = {**KIND, "content-encoding": kind}

    attack(
        client, "POST", "/workspaces", expect=422, content=b"\x1f\x8b", headers=headers
    )


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, 100, 1000, 1023, 10_000, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"]
)
@pytest.mark.parametrize("inside", [b"1", b"12345678901234567890"], ids=["", "exact"])
def test_threat_106_json_that_is_nested_too_deeply(
    attack, client, kept_table, depth, opening, closing, inside
):
    deep = opening * depth + inside + closing * depth
    body = (
        f'{{"table_id": "{kept_table["id"]}", "fields": {{"F": '.encode() + deep + b"}}"
    )

    reply = attack(client, "POST", "/records", expect=400, content=body, headers=KIND)

    assert reply.json()["detail"] == "The body is nested too deeply"


def test_threat_106_json_that_is_not_nested_too_deeply_is_read(attack, client, table):
    for inside in ("1", "12345678901234567890"):
        deep = "[" * (MAX_DEPTH - 2) + inside + "]" * (MAX_DEPTH - 2)
        body = f'{{"table_id": "{table["id"]}", "fields": {{"F": {deep}}}}}'
        attack(client, "POST", "/records", expect=422, content=body, headers=KIND)


def test_threat_106_brackets_beside_one_another_or_in_texts_are_not_deep(client, table):
    body = {
        "table_id": table["id"],
        "records": [{"fields": {"Name": "[{" * 500}}] * 100,
    }

    assert made(client.post("/records/batch", json=body))["total"] == 100


def test_threat_106_the_depth_is_a_setting(settings, database):
    changed = settings.model_copy(update={"max_json_depth": 8})
    with running_server(changed, database) as server, Client(server.url) as client:
        body = b'{"email": ' + b"[" * 8 + b"]" * 8 + b"}"
        reply = client.post("/auth/login", content=body, headers=KIND)

    assert (reply.status_code, reply.json()["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "number",
    [
        "1e1001",
        "1e-1002",
        "1e999999999",
        "-1e999999999999999999",
        "1e9999999999999999999999999",
        "1e-9999999999999999999999999",
        "9" * 1002,
        "9" * 5_000_000,
        "0." + "1" * 2000,
        "1" + "0" * 100_000 + ".5",
    ],
    ids=lambda number: f"{number[:12]}… {len(number)}",
)
@pytest.mark.parametrize("beside", ["0", "12345678901234567890"], ids=["", "exact"])
def test_threat_106_a_number_that_nobody_means(
    attack, client, kept_table, number, beside
):
    body = f'{{"table_id": "{kept_table["id"]}", "position": {number}, "x": {beside}}}'
    for method, path in (
        ("POST", "/records"),
        ("POST", "/views"),
        ("PATCH", f"/fields/{kept_table['ids']['F']}"),
        ("POST", "/auth/login"),
    ):
        attack(client, method, path, expect=400, content=body, headers=KIND)


@pytest.mark.parametrize(
    "number", ["1e1001", "1e999999999", "1e9999999999999999999999", "9" * 10_000]
)
@pytest.mark.parametrize("operator", ["$eq", "$gt", "$in"])
def test_threat_106_nor_in_a_filter(attack, client, kept_table, number, operator):
    value = f"[{number}]" if operator == "$in" else number
    params = {
        "table_id": kept_table["id"],
        "filter": f'{{"F": {{"{operator}": {value}}}}}',
    }

    attack(client, "GET", "/records", expect=422, params=params)


def test_threat_106_of_a_key_that_stands_twice_the_last_counts(client, table):
    for more in ("", ', "x": 12345678901234567890'):
        body = (
            f'{{"table_id": "no", "table_id": "{table["id"]}",'
            f' "fields": {{"F": 1, "F": 2}}{more}}}'
        )
        record = made(client.post("/records", content=body, headers=KIND))
        assert record["fields"]["F"] == 2


def test_threat_106_ten_thousand_parameters(attack, client, table):
    query = "&".join(f"a{number}=1" for number in range(5000))

    path = f"/records?table_id={table['id']}&{query}"
    attack(client, "GET", path, expect=(400, 422))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_threat_106_json_is_utf_8(attack, client, table, encoding):
    body = json.dumps({"table_id": table["id"], "fields": {"Name": "\ud800"}})

    attack(
        client,
        "POST",
        "/records",
        expect=400,
        content=body.encode(encoding, "surrogatepass"),
        headers=KIND,
    )
