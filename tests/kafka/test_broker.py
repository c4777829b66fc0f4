"""`tools/kafka-up` and `kafka-down`: a broker of one's own, and nobody else's."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kafka.broker import needs_kafka
from tests.ports import free_port
from tools.kafka import Broker, KafkaError

pytestmark = needs_kafka
TOOLS = Path(__file__).parents[2] / "tools"


def test_starting_it_twice_is_starting_it_once(broker: Broker):
    pid = broker.pid()
    broker.up()
    assert broker.pid() == pid is not None


def test_the_port_of_somebody_else_is_not_taken(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        with pytest.raises(KafkaError, match=f"port {port} is taken"):
            Broker(port, room=tmp_path).up()


def test_a_process_that_got_the_brokers_number_is_left_alone(tmp_path: Path):
    """A number is given again; the moment of its start is not."""
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "pid").write_text(f"{stranger.pid} 1\n")
        Broker(free_port(), room=tmp_path).down()
        assert stranger.poll() is None
    finally:
        stranger.terminate()
        stranger.wait(10)


def test_without_java_it_says_what_is_missing(tmp_path: Path):
    programs = [os.path.realpath(sys.executable), "/bin/sh", shutil.which("dirname")]
    for name, program in zip(("python3", "sh", "dirname"), programs, strict=True):
        assert program
        (tmp_path / name).symlink_to(program)
    up = subprocess.run(
        [TOOLS / "kafka-up", "--home", tmp_path / "home", "--port", str(free_port())],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert up.returncode == 1
    assert up.stderr == "kafka: java (17 or later) is missing\n"


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path):
    down: list[str | Path] = [TOOLS / "kafka-down", "--home", tmp_path]
    down += ["--port", str(free_port())]
    assert subprocess.run(down, check=False).returncode == 0
