"""A genuine Apache Kafka on this machine: one node, no Docker, no root, no ZooKeeper.

    tools/kafka-up [--home DIR] [--port N] [--heap SIZE]
    tools/kafka-down [--home DIR] [--port N] [--wipe]

The home (default: a folder of the user's cache) holds the jars and, beside them, what
belongs to the broker of a port.

`up` prints the address to connect to and may be called again.  It needs Java 17 or
later and, for the first run alone, Maven, which fetches the jars from the repository
that its own settings name.  `down` stops the broker that `up` started, known by its
process id and the moment it was started, and no other.

    PORT      anyone may connect (loopback only)
    PORT + 1  the node talks to itself
    PORT + 2  SASL/PLAIN, for user `tabellion` with the password `let-me-in`: to try
              out what happens to those who sign in

Standard library only: it runs before, and without, the project's environment.
"""

import argparse
import base64
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "4.4.0"
JARS = (  # group, artifact, version
    ("org.apache.kafka", "kafka_2.13", VERSION),
    # without a binding the broker is silent, whatever happens
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.5"),
)
ABSENT = ("org.apache.kafka", "kafka-tools-api")  # its POM asks for it; nobody has it
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
USER, PASSWORD = "tabellion", "let-me-in"
START_SECONDS = 90.0
STOP_SECONDS = 30.0
LEAST_JAVA = 17
LOGGING = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
"""


class KafkaError(Exception):
    """The broker cannot be started; the message says what is missing"""


def missing() -> str | None:
    """What this machine lacks to run a broker; None where it has all."""
    if shutil.which("java") is None:
        return f"java ({LEAST_JAVA} or later)"
    if not _jars_are_there(default_home()) and shutil.which("mvn") is None:
        return "mvn, which fetches Kafka's jars once"
    return None


@dataclass(frozen=True)
class Broker:
    """Where one broker lives: the jars are for all, the rest is its own.

    `room`: the folder of its data, settings and log; unset: one beside the jars.
    """

    port: int = 19092
    home: Path = field(default_factory=lambda: default_home())
    heap: str = "256m"
    room: Path | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def signing_in(self) -> str:
        """The address for those who sign in."""
        return f"127.0.0.1:{self.port + 2}"

    @property
    def _room(self) -> Path:
        return self.room or self.home / f"broker-{self.port}"

    @property
    def log(self) -> Path:
        return self._room / "broker.log"

    def pid(self) -> int | None:
        """The process that `up` started, if it still runs."""
        try:
            number, began = (self._room / "pid").read_text().split()
        except (OSError, ValueError):
            return None
        return int(number) if _began(int(number)) == began else None

    def up(self) -> None:
        """Starts it, unless it runs; it answers when this returns.

        Raises KafkaError.
        """
        self._room.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(self.home / "lock"):
            _fetch_jars(self.home)
        with _alone(self._room / "lock"):
            if self.pid() is None:
                self._start()
            self._wait_until_ready()

    def down(self, *, wipe: bool = False) -> None:
        """Stops it, and drops what it kept where `wipe` says so."""
        if not self._room.is_dir():
            return
        with _alone(self._room / "lock"):
            pid = self.pid()
            if pid is not None:
                _stop(pid)
            (self._room / "pid").unlink(missing_ok=True)
            if wipe:
                shutil.rmtree(self._room / "data", ignore_errors=True)

    def kill(self) -> None:
        """As if the power went: nothing is written any more."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            _wait_for_the_end(pid, STOP_SECONDS)

    def _start(self) -> None:
        if _answers(self.port):
            raise KafkaError(f"port {self.port} is taken by something else")
        properties = self._room / "server.properties"
        properties.write_text(self._properties())
        (self._room / "log4j2.properties").write_text(LOGGING)
        if not (self._room / "data" / "meta.properties").exists():
            self._format(properties)
        # by a shell that ends at once: the broker is nobody's child, and a Ctrl-C at
        # whoever called `up` is not one at the broker
        started = subprocess.run(
            [
                *("sh", "-c", '"$@" </dev/null >>"$0" 2>&1 & echo $!', str(self.log)),
                *(*self._java(), "kafka.Kafka", str(properties)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            check=True,
        )
        pid = int(started.stdout)
        (self._room / "pid").write_text(f"{pid} {_began(pid)}\n")

    def _format(self, properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(b"\1" + secrets.token_bytes(15)).decode()
        tool = ["kafka.tools.StorageTool", "format", "-c", str(properties)]
        done = subprocess.run(
            [*self._java(), *tool, "-t", cluster.rstrip("=")],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise KafkaError(f"the data could not be made:\n{done.stderr[-2000:]}")

    def _java(self) -> list[str]:
        return [
            "java",
            *("-cp", f"{_jars(self.home)}/*"),
            *("-Xms64m", f"-Xmx{self.heap}", "-XX:MaxMetaspaceSize=128m"),
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),  # small before fast
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={self._room / 'log4j2.properties'}",
        ]

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while not (_answers(self.port) and _answers(self.port + 2)):
            if self.pid() is None or time.monotonic() > until:
                end = self.log.read_text(errors="replace")[-2000:]
                raise KafkaError(f"Kafka did not start; {self.log} ends with:\n{end}")
            time.sleep(0.1)

    def _properties(self) -> str:
        login = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required"
            f' user_{USER}="{PASSWORD}";'
        )
        listeners = {
            "OPEN": (self.port, "PLAINTEXT"),
            "NODE": (self.port + 1, "PLAINTEXT"),
            "USERS": (self.port + 2, "SASL_PLAINTEXT"),
        }
        at = {
            name: f"{name}://127.0.0.1:{port}" for name, (port, _) in listeners.items()
        }
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self.port + 1}",
            "listeners": ",".join(at.values()),
            "advertised.listeners": f"{at['OPEN']},{at['USERS']}",
            "inter.broker.listener.name": "OPEN",
            "controller.listener.names": "NODE",
            "listener.security.protocol.map": ",".join(
                f"{name}:{protocol}" for name, (_, protocol) in listeners.items()
            ),
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.users.plain.sasl.jaas.config": login,
            "log.dirs": str(self._room / "data"),
            # a topic is made by who means to; a misspelt one is an error
            "auto.create.topics.enable": "false",
            "num.network.threads": "2",
            "num.io.threads": "2",
            "offsets.topic.num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


# ------------------------------------------------------------------------- jars


def default_home() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "tabellion-kafka"


def _jars(home: Path) -> Path:
    return home / f"kafka-{VERSION}"


def _jars_are_there(home: Path) -> bool:
    return (_jars(home) / ".complete").exists()


def _fetch_jars(home: Path) -> None:
    if shutil.which("java") is None:
        raise KafkaError(f"java ({LEAST_JAVA} or later) is missing")
    if _jars_are_there(home):
        return
    if shutil.which("mvn") is None:
        raise KafkaError("mvn is missing, which fetches Kafka's jars once")
    print(f"fetching Apache Kafka {VERSION} (43 MB, once)", file=sys.stderr, flush=True)
    folder = _jars(home)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pom = folder / "pom.xml"
    pom.write_text(_pom())
    fetched = subprocess.run(
        [
            *("mvn", "-q", "-B", "-f", str(pom), PLUGIN),
            *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode:
        raise KafkaError(f"the jars could not be fetched:\n{fetched.stdout[-2000:]}")
    (folder / ".complete").touch()


def _pom() -> str:
    absent = "<exclusion><groupId>{}</groupId><artifactId>{}</artifactId></exclusion>"
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version>"
        f"<exclusions>{absent.format(*ABSENT)}</exclusions></dependency>"
        for group, artifact, version in JARS
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">'
        "<modelVersion>4.0.0</modelVersion><groupId>tabellion</groupId>"
        "<artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )


# -------------------------------------------------------------------- processes


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Whoever comes meanwhile waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _began(pid: int) -> str | None:
    """When a process was started, as its system tells; None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _began_by_ps(pid)
    state, *rest = text.rpartition(")")[2].split()
    return None if state == "Z" else rest[18]


def _began_by_ps(pid: int) -> str | None:
    """Where there is no /proc."""
    if Path("/proc/self/stat").exists():
        return None
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return "_".join(told.stdout.split()) or None


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    if not _wait_for_the_end(pid, STOP_SECONDS):
        os.kill(pid, signal.SIGKILL)
        _wait_for_the_end(pid, STOP_SECONDS)


def _wait_for_the_end(pid: int, seconds: float) -> bool:
    began = _began(pid)
    until = time.monotonic() + seconds
    while began is not None and _began(pid) == began:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="kafka", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--port", type=int, default=19092)
    parser.add_argument("--heap", default="256m")
    parser.add_argument("--wipe", action="store_true", help="down: drop the data too")
    chosen = parser.parse_args(arguments)
    broker = Broker(chosen.port, chosen.home.absolute(), chosen.heap)
    try:
        if chosen.what == "down":
            broker.down(wipe=chosen.wipe)
        else:
            broker.up()
            print(broker.address)
    except KafkaError as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
