"""`tabellion work` as a person starts and stops it, beside a server or alone."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.embedded.cluster import Cluster
from tests.ports import free_port
from tests.process.test_serve import COMMAND, ROOT, left_behind, started


@contextmanager
def worker(data_dir: Path, **more: str) -> Iterator["subprocess.Popen[str]"]:
    """One that works."""
    process = subprocess.Popen(
        [COMMAND, "work"],
        cwd=ROOT,
        env={**os.environ, "TABELLION_DATA_DIR": str(data_dir), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=20)


def until_it_works(process: "subprocess.Popen[str]") -> str:
    """What it has said by then."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("tasks"):
            return said
    raise AssertionError(said)


def test_it_shares_the_embedded_database_and_keeps_it_while_it_works(
    tmp_path: Path,
):
    data_dir = tmp_path / "data"
    with started(data_dir, free_port()) as server, worker(data_dir) as process:
        said = until_it_works(process)
        assert f"embedded, in {data_dir}" in said
        assert "in this process" in said
        os.killpg(server.pid, signal.SIGTERM)
        server.communicate(timeout=20)
        assert Cluster(data_dir).running() is not None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=20)
        assert time.monotonic() - began < 10
        assert process.returncode == 0
        assert "stops as soon as" in told
        assert "Traceback" not in told
    assert left_behind(data_dir) == []


def test_it_stops_in_time_where_redis_and_kafka_are_gone(tmp_path: Path):
    data_dir = tmp_path / "data"
    nobody = f"127.0.0.1:{free_port()}"
    with worker(
        data_dir,
        TABELLION_REDIS_URL=f"redis://:hunter2hunter2@{nobody}/0",
        TABELLION_KAFKA_BOOTSTRAP_SERVERS=nobody,
        TABELLION_OUTBOUND_PORTS="80,8443",
        TABELLION_OUTBOUND_ALLOW="10.1.0.0/16",
    ) as process:
        said = until_it_works(process)
        time.sleep(1)
        began = time.monotonic()
        process.terminate()
        told, _ = process.communicate(timeout=20)
        assert time.monotonic() - began < 10
        assert process.returncode == 0
    assert "followers  webhooks, kafka" in said
    assert "carried by Redis" in said
    assert "calls      ports 80, 8443 of public addresses and of 10.1.0.0/16" in said
    assert "hunter2" not in said + told


@pytest.mark.parametrize("wait", [0.3, 1.0])
def test_a_term_while_it_starts_leaves_nothing_behind(tmp_path: Path, wait: float):
    data_dir = tmp_path / "data"
    with worker(data_dir) as process:
        time.sleep(wait)
        process.terminate()
        process.communicate(timeout=20)
    assert left_behind(data_dir) == []


def test_settings_that_cannot_be_are_told(tmp_path: Path):
    done = subprocess.run(
        [COMMAND, "work"],
        cwd=tmp_path,
        env={**os.environ, "TABELLION_REDIS_URL": "http://nowhere"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("tabellion: TABELLION_REDIS_URL: ")
