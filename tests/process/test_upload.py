"""Uploads to the real server: what a kill leaves, and what the tools say of it."""

import secrets
import socket
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.client import Client, made
from tests.killing.server import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("upload") / "data") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client.register("Ada", f"{secrets.token_hex(6)}@example.org")


def incoming(server: Server) -> list[Path]:
    return list(server.data_dir.glob("files/incoming/*"))


def begun(server: Server, client: Client, workspace_id: str) -> socket.socket:
    """An upload of which a part has come in."""
    sending = socket.create_connection(("127.0.0.1", server.port))
    head = (
        f"POST /api/v1/attachments?workspace_id={workspace_id} HTTP/1.1\r\n"
        f"host: x\r\nauthorization: {client.headers['authorization']}\r\n"
        "content-type: multipart/form-data; boundary=b\r\n"
        "content-length: 10000000\r\n\r\n"
        '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    sending.sendall(head.encode() + b"x" * 200_000)
    deadline = time.monotonic() + 10
    while not incoming(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert incoming(server)
    return sending


def test_a_killed_server_keeps_what_it_acknowledged_and_nothing_by_half(
    server: Server, client: Client
):
    workspace_id = client.workspace()["id"]
    one = client.upload(workspace_id, b"acknowledged")
    before = client.position(workspace_id)

    with begun(server, client, workspace_id):
        server.kill_server()
    server.wait(60)

    assert client.get(f"/attachments/{one['id']}/content").content == b"acknowledged"
    assert client.position(workspace_id) == before
    assert [path.name for path in server.data_dir.glob("files/??/*")] == [one["sha256"]]
    for left in incoming(server):
        left.unlink()  # a day later the next start would


def memory(server: Server, name: str) -> int:
    """A line of the server's memory, in MB."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith(name)]
    return int(line.split()[1]) // 1024


def test_a_large_file_comes_and_goes_in_little_memory(server: Server, client: Client):
    workspace_id = client.workspace()["id"]
    client.upload(workspace_id)
    before = memory(server, "VmRSS")

    one = client.upload(workspace_id, bytes(80_000_000))
    digest = sha256()
    with client.stream("GET", f"/attachments/{one['id']}/content") as reply:
        for part in reply.iter_bytes():
            digest.update(part)

    assert digest.hexdigest() == one["sha256"]
    assert memory(server, "VmHWM") - before < 30


def test_the_tools_tell_what_is_missing_and_what_nobody_names(
    server: Server, client: Client
):
    table = client.table("Name", {"name": "Files", "type": "attachment"})
    one = client.upload(table["workspace_id"], b"to be lost")
    client.record(table["id"], Files=[{"id": one["id"]}])
    place = server.data_dir / "files" / one["sha256"][:2] / one["sha256"]
    stray = place.with_name("00" * 32)
    stray.write_bytes(b"x")

    only = f"--workspace={table['workspace_id']}"
    whole = server.run("verify", only)
    checked = server.run("replay", "--check", only)
    told = server.run("doctor")
    place.rename(place.with_suffix(".away"))
    broken, missing = server.run("verify", only), server.run("doctor")
    place.with_suffix(".away").rename(place)
    rebuilt = server.run("replay", only)

    assert whole.returncode == checked.returncode == 0, whole.stdout + checked.stdout
    assert "MiB; 1 that no file names" in told.stdout
    assert broken.returncode == 1
    assert (
        f"contents_are_there: the content {one['sha256']} is missing" in broken.stdout
    )
    assert f"the content {one['sha256']} is missing" in " ".join(missing.stdout.split())
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert made(client.get(f"/attachments/{one['id']}"))["name"] == "file.bin"
