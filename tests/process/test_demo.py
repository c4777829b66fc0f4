"""`tabellion demo`, the real command: what it shows, whom it calls, what it stops."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commands.settings import PREFIX
from tests.client import Server
from tests.ports import free_port

TABELLION = Path(sys.executable).with_name("tabellion")
SECONDS = 100
ESCAPE = "\x1b"


@dataclass(frozen=True)
class Home:
    """A data directory and a port of its own."""

    folder: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        return {
            **kept,
            f"{PREFIX}DATA_DIR": str(self.folder),
            f"{PREFIX}PORT_PYBASE": str(self.port),
            f"{PREFIX}PORT_CMS": str(free_port()),
        }

    def demo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TABELLION, "demo", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    @property
    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("demo"), free_port())


def within(seconds: float, claim: Callable[[], bool]) -> bool:
    """Whether a claim comes true in time."""
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_loads_real_data_checks_what_it_shows_and_stops_the_server_it_started(home):
    done = home.demo()

    assert done.returncode == 0, done.stdout + done.stderr
    assert "starting a server" in done.stdout
    assert "all of them hold" in done.stdout
    told = re.search(r"([\d,]+) rows in \d+ tables at", done.stdout)
    assert told is not None
    assert int(told[1].replace(",", "")) >= 10_000
    assert "409 DUPLICATE_VALUE, index 1" in done.stdout
    assert "without a gap" in done.stdout
    assert done.stderr == ""
    assert not home.listens


def test_its_output_is_plain_where_there_is_no_terminal(server: Server, home):
    done = home.demo("--url", server.url, "--cms-url", server.cms_url)

    assert done.returncode == 0, done.stdout + done.stderr
    assert ESCAPE not in done.stdout
    assert "\r" not in done.stdout
    told = [line for line in done.stdout.splitlines() if "curl" not in line]
    assert max(map(len, told)) <= 100


def test_with_keep_the_server_goes_on_and_a_second_run_uses_it_as_the_same_user(home):
    first = home.demo("--keep")
    assert first.returncode == 0, first.stdout + first.stderr
    started = re.search(r"kill (\d+)", first.stdout)
    assert started is not None
    try:
        assert home.listens
        second = home.demo()
    finally:
        os.kill(int(started[1]), signal.SIGTERM)

    assert second.returncode == 0, second.stdout + second.stderr
    assert f"Using the server at http://127.0.0.1:{home.port}" in second.stdout
    assert "Logged in as" in second.stdout
    assert within(20, lambda: not home.listens)


def test_the_password_is_kept_for_its_owner_alone_as_a_body_of_the_log_in(
    server: Server, tmp_path
):
    run = Home(tmp_path, free_port())
    with lying(server.url, lambda path, body: body, refuse="/tables") as url:
        run.demo("--url", url)  # as far as the account, which is enough
    (file,) = tmp_path.glob("demo-*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    account = json.loads(file.read_text())
    assert set(account) == {"email", "password"}
    assert post(server.url, "/auth/login", account) == 200


def test_a_demo_that_is_told_to_stop_stops_the_server_it_started(home):
    demo = subprocess.Popen(
        [TABELLION, "demo"],
        cwd=home.folder,
        env={**home.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with demo:
        assert demo.stdout is not None
        assert any(line.startswith("An account") for line in demo.stdout)
        demo.terminate()
        demo.wait(30)

    assert demo.returncode == 128 + signal.SIGTERM
    assert not home.listens


def test_a_server_that_says_what_is_not_so_is_found_out(server: Server, tmp_path):
    def one_row_more(path: str, body: bytes) -> bytes:
        if not path.startswith("/api/v1/records?"):
            return body
        return re.sub(
            rb'"total":(\d+)', lambda m: b'"total":%d' % (int(m[1]) + 1), body
        )

    with lying(server.url, one_row_more) as url:
        done = Home(tmp_path, free_port()).demo("--url", url)

    assert done.returncode == 1
    assert "NOT AS EXPECTED: rows in States" in done.stdout
    assert "expected: 56" in done.stdout
    assert "found: 57" in done.stdout


def test_nobody_at_the_address_that_was_given_is_told(tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    done = Home(tmp_path, free_port()).demo("--url", url)
    assert done.returncode == 1
    assert done.stdout == f"tabellion: nobody listens at {url}\n"


def test_another_server_is_not_taken_for_tabellion(tmp_path):
    with listening(lambda _method, _path, _headers, _body: (200, {}, b"hello")) as url:
        done = Home(tmp_path, free_port()).demo("--url", url)
    assert done.returncode == 1
    assert done.stdout == f"tabellion: what listens at {url} is not Tabellion\n"


# ------------------------------------------------------------- between the two

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def listening(
    answer: Callable[[str, str, dict[str, str], bytes], Answer],
) -> Iterator[str]:
    """The address of a server that answers with what the function gives."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            sent = dict(self.headers.items())
            status, headers, content = answer(self.command, self.path, sent, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def lying(
    url: str, told: Callable[[str, bytes], bytes], *, refuse: str = "-"
) -> Iterator[str]:
    """A server that passes on what the one at `url` answers, after `told` had it."""
    place = urlsplit(url).netloc

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path.endswith(refuse):
            return 503, {}, b"{}"
        connection = http.client.HTTPConnection(place, timeout=30)
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        content = told(path, reply.read())
        connection.close()
        kept = {
            name: value
            for name, value in reply.getheaders()
            if name.lower() not in ("content-length", "date", "connection")
        }
        return reply.status, kept, content

    with listening(answer) as address:
        yield address


def post(url: str, path: str, body: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    sent = {"content-type": "application/json"}
    connection.request("POST", f"/api/v1{path}", json.dumps(body), sent)
    status = connection.getresponse().status
    connection.close()
    return status
