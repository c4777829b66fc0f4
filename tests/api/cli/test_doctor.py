"""`tabellion doctor`: what it says of Redis, and of who works."""

import pytest
from typer.testing import CliRunner

from api.cli import app
from tests.ports import free_port
from tests.redis_server import needs_redis, running_redis


@pytest.fixture
def told(environment: None, monkeypatch: pytest.MonkeyPatch):
    """`told(name=value, …)`: what doctor prints with these settings beside its own."""

    def told(**more: str) -> str:
        for name, value in more.items():
            monkeypatch.setenv(f"TABELLION_{name.upper()}", value)
        return " ".join(CliRunner().invoke(app, ["doctor"]).stdout.split())

    return told


def test_a_redis_that_is_gone_is_missing_and_its_password_is_not_told(told):
    said = told(redis_url=f"redis://:hunter2hunter2@127.0.0.1:{free_port()}/0")
    assert "missing Redis does not answer (ConnectionError)" in said
    assert "hunter2" not in said


@needs_redis
def test_a_redis_that_answers_is_told_and_who_works(told, tmp_path):
    with running_redis(tmp_path, free_port()) as url:
        said = told(redis_url=url, serve_works="off")
    assert "Redis: answers" in said
    assert "what follows the commits is done by tabellion work alone" in said
