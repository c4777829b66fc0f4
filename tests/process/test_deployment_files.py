"""Makefile, image, compose file and package: what can be checked without an engine."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest
import yaml

from commands.embedded import database
from commands.embedded.cluster import Cluster
from commands.embedded.programs import account_for, programs_for
from commands.settings import Settings
from commands.settings.listing import describe

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["uv"]["build-backend"]["module-name"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
SERVER: dict[str, Any] = COMPOSE["services"]["tabellion"]
SETUP = (ROOT / "tools" / "setup").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
DOORS = ("PYBASE", "QUERYBASE", "MODELLING", "CMS")

# what a make that runs these tests would hand on to the makes in them
NO_MAKE = {name: os.environ[name] for name in os.environ if "MAKE" not in name}

DEFAULTS = {line.variable: line for line in describe(Settings.model_construct())}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^\s*{name}\s+(.+)$", DOCKERFILE, re.MULTILINE)


def interpolated(text: str) -> dict[str, str]:
    """The variables of a compose file by name, with what follows it in the braces."""
    return dict(re.findall(r"\$\{(\w+)([^}]*)\}", text))


def test_the_example_has_every_setting_once_with_its_default_and_its_meaning():
    paragraphs = EXAMPLE.strip().split("\n\n")[1:-1]
    told = {}
    for paragraph in paragraphs:
        *comment, assignment = paragraph.splitlines()
        variable, value = assignment.split("=", 1)
        assert variable not in told
        told[variable] = (value, " ".join(line.removeprefix("# ") for line in comment))
    assert told == {
        line.variable: (line.default, f"{line.description} [{line.unit}]")
        for line in DEFAULTS.values()
    }


def test_the_example_as_it_stands_changes_nothing(tmp_path, monkeypatch):
    for name in os.environ:
        if name.startswith("TABELLION_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(EXAMPLE)
    assert {line.variable: line for line in describe(Settings())} == DEFAULTS


def test_the_compose_file_follows_the_compose_specification():
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema, cls=jsonschema.Draft7Validator)


def test_the_compose_file_is_accepted_by_docker_where_there_is_one():
    """The client is enough; where it is missing the schema above must do."""
    docker = shutil.which("docker")
    has_compose = (
        docker
        and not subprocess.run(
            [docker, "compose", "version"], capture_output=True, check=False
        ).returncode
    )
    if not has_compose:
        return
    variables = interpolated(str(COMPOSE)).items()
    secrets = {name: "0123456789abcdef" for name, rest in variables if ":?" in rest}
    subprocess.run(
        [docker or "", "compose", "config", "--quiet"],
        cwd=ROOT,
        env={**os.environ, **secrets},
        check=True,
    )


def test_the_compose_file_uses_only_settings_that_exist():
    ours = {name for name in SERVER["environment"] if name.startswith("TABELLION_")}
    assert ours == set(SERVER["environment"])
    assert ours <= set(DEFAULTS)
    asked = {name for name in interpolated(str(SERVER)) if name.startswith("TABELLION")}
    assert asked <= set(DEFAULTS)


def test_no_secret_of_the_compose_file_has_a_default():
    for name, rest in interpolated(str(COMPOSE)).items():
        if name.endswith(("PASSWORD", "_KEY")) and name != "TABELLION_ADMIN_PASSWORD":
            assert rest.startswith(":?"), name
    assert interpolated(str(COMPOSE))["TABELLION_ADMIN_PASSWORD"] == ":-"


def test_every_variable_of_the_compose_file_stands_in_the_example():
    in_example = set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    assert set(interpolated(str(COMPOSE))) <= in_example


def test_the_image_the_compose_file_and_the_package_start_the_same_command():
    command = SERVER["command"]
    assert command == ["tabellion", "serve"]
    assert json.loads(instructions("CMD")[-1]) == command
    assert command[0] in PROJECT["project"]["scripts"]
    assert f"$(BIN)/{shlex.join(command)}" in (ROOT / "Makefile").read_text()


def test_the_compose_file_has_what_follows_the_commits_apart():
    work = COMPOSE["services"]["work"]
    assert work["command"] == ["tabellion", "work"]
    assert f"$(BIN)/{shlex.join(work['command'])}" in (ROOT / "Makefile").read_text()
    assert SERVER["environment"]["TABELLION_SERVE_WORKS"] == "off"
    assert work["ports"] == []
    assert work["healthcheck"] == {"disable": True}
    same = {"build", "environment", "volumes", "depends_on", "stop_grace_period"}
    assert {name: work[name] for name in same} == {name: SERVER[name] for name in same}


@pytest.mark.parametrize(
    "name",
    [
        "OUTBOUND_ALLOW",
        "OUTBOUND_PORTS",
        "WEBHOOK_RETRIES",
        "WEBHOOK_GIVE_UP_HOURS",
        "DELIVERIES_DAYS",
    ],
)
def test_what_webhooks_are_sent_by_is_set_for_who_serves_and_who_works(name):
    variable = f"TABELLION_{name}"
    passed_on = f"${{{variable}:-{DEFAULTS[variable].default}}}"
    for service in ("tabellion", "work"):
        assert COMPOSE["services"][service]["environment"][variable] == passed_on


def test_the_ports_are_those_of_the_settings():
    ports = [int(DEFAULTS[f"TABELLION_PORT_{door}"].default) for door in DOORS]
    assert [int(port) for port in instructions("EXPOSE")[0].split()] == ports
    assert SERVER["ports"] == [
        f"127.0.0.1:${{TABELLION_PORT_{door}:-{port}}}:{port}"
        for door, port in zip(DOORS, ports, strict=True)
    ]


def test_the_image_sets_only_settings_that_exist_and_runs_as_no_root():
    set_here = set(re.findall(r"(TABELLION_\w+)=", " ".join(instructions("ENV"))))
    assert set_here == {"TABELLION_HOST", "TABELLION_DATA_DIR"}
    assert set(re.findall(r"TABELLION_\w+", DOCKERFILE)) <= set(DEFAULTS)
    assert instructions("USER") == ["tabellion"]


def test_the_health_check_of_the_image_is_a_program_that_compiles():
    check = re.search(r"HEALTHCHECK.*CMD (\[.*\])", DOCKERFILE)
    assert check
    python, option, program = json.loads(check[1])
    assert (python, option) == ("python", "-c")
    compile(program, "HEALTHCHECK", "exec")


def test_the_image_holds_every_package_and_only_what_is_there():
    copied = [
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    ]
    assert set(PACKAGES) <= set(copied)
    let_in = (ROOT / ".dockerignore").read_text().splitlines()
    for source in copied:
        assert (ROOT / source).exists()
        assert f"!{source}" in let_in


def test_what_the_compose_file_mounts_is_there():
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() or source in COMPOSE["volumes"]


def test_one_version_of_uv_is_used():
    pinned = set(re.findall(r"uv(?:==|_VERSION=)([0-9.]+)", DOCKERFILE + SETUP))
    assert len(pinned) == 1
    (version,) = pinned
    (backend,) = PROJECT["build-system"]["requires"]
    assert backend == f"uv_build>={version.rsplit('.', 1)[0]},<0.14"


@pytest.mark.parametrize("script", [".ci/run", "tools/setup", "tools/postgres-init.sh"])
def test_scripts_can_be_run_and_are_whole(script):
    assert os.access(ROOT / script, os.X_OK)
    shell = (ROOT / script).read_text().splitlines()[0].split("/")[-1].split()[-1]
    subprocess.run([shell, "-n", ROOT / script], check=True)


def test_the_package_holds_the_sql(tmp_path):
    uv = Path(sys.prefix) / "bin" / "uv"
    subprocess.run(
        [uv, "build", "--offline", "--wheel", "--quiet", "--out-dir", tmp_path],
        cwd=ROOT,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    migrations = {
        str(path.relative_to(ROOT)) for path in ROOT.glob("commands/migrations/*.sql")
    }
    assert migrations
    assert migrations <= packed
    assert {f"{package}/__init__.py" for package in PACKAGES} <= packed


def test_the_roles_of_the_compose_file_are_those_of_the_embedded_database(tmp_path):
    """The script for other servers, run on an emptied embedded one, gives the same."""
    rights = """
        SELECT datname, datdba::regrole::text, datacl::text,
               (SELECT array_agg((rolname, rolsuper, rolcreatedb, rolcreaterole,
                                  rolbypassrls)::text ORDER BY rolname)
                FROM pg_roles
                WHERE rolname LIKE 'tabellion%')
        FROM pg_database
        WHERE datname = 'tabellion'
    """
    script = ROOT / "tools" / "postgres-init.sh"
    programs = programs_for(account_for(tmp_path / "postgres"))
    with database(Settings(data_dir=tmp_path, database_url=None)):
        url = Cluster(tmp_path).url("postgres", "postgres")
        with psycopg.connect(url, autocommit=True) as superuser:
            embedded = superuser.execute(rights).fetchone()
            superuser.execute("DROP DATABASE tabellion")
            superuser.execute(
                "DROP ROLE tabellion_owner, tabellion_app, tabellion_follower"
            )
            subprocess.run(
                [script],
                env={
                    "PATH": f"{programs}:{os.environ['PATH']}",
                    "PGHOST": str(tmp_path / "postgres"),
                    "POSTGRES_OWNER_PASSWORD": "it's one",
                    "POSTGRES_APP_PASSWORD": "another",
                    "POSTGRES_FOLLOWER_PASSWORD": "third",
                },
                check=True,
            )
            assert superuser.execute(rights).fetchone() == embedded


SERVES_UNTIL_TOLD = """\
#!/bin/sh
trap 'sleep 0.3; echo drained; exit 0' TERM INT
echo "$@"
while :; do sleep 0.05; done
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A project that is set up, whose server does nothing but wait for a signal."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "tools").mkdir()
    for name in ("Makefile", "pyproject.toml", "uv.lock", "tools/setup"):
        shutil.copy(ROOT / name, tmp_path / name)
    program = tmp_path / ".venv" / "bin" / "tabellion"
    program.write_text(SERVES_UNTIL_TOLD)
    program.chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()
    return tmp_path


@pytest.mark.parametrize("whom", ["make alone", "the group"])
def test_make_serve_passes_a_term_on_and_waits_for_the_server(made, whom):
    with subprocess.Popen(
        ["make", "serve", "ARGS=--port 1"],
        cwd=made,
        env=NO_MAKE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as make:
        assert make.stdout
        assert make.stdout.readline() == "serve --port 1\n"
        if whom == "make alone":
            make.terminate()
        else:
            os.killpg(make.pid, signal.SIGTERM)
        assert make.wait(10)
        assert make.stdout.readline() == "drained\n"


def test_make_sets_up_again_only_when_what_it_rests_on_has_changed(made):
    def would() -> str:
        return subprocess.run(
            ["make", "-n", "serve"],
            cwd=made,
            env=NO_MAKE,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    began = time.monotonic()
    assert would().split() == ["exec", ".venv/bin/tabellion", "serve"]
    assert time.monotonic() - began < 0.1
    for name in ("pyproject.toml", "uv.lock", "tools/setup"):
        later = time.time() + 60
        os.utime(made / name, (later, later))
        assert "tools/setup" in would()
        os.utime(made / name, (0, 0))
        assert "tools/setup" not in would()


def test_make_tells_its_commands(made):
    told = subprocess.run(
        ["make"], cwd=made, env=NO_MAKE, capture_output=True, text=True, check=True
    ).stdout
    commands = re.findall(r"^make (\w+)", told, re.MULTILINE)
    assert {"serve", "test", "demo", "bench", "lint", "clean"} <= set(commands)
