"""The settings of a process: where they come from, and what is refused."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commands.settings import SettingsError, load_settings
from commands.settings.listing import describe, redacted, unknown_variables

GOOD_KEY = "b5f0c7d89e4a41d2a60be1f3c58d7290b5f0c7d89e4a41d2"
ELSEWHERE = "postgresql://app:hush@db.example.org/tabellion"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("TABELLION_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "key",
    [
        "short",
        "0123456789abcdef0123456789abcde",  # 31 characters
        "a" * 64,
        "abcabcabcabcabcabcabcabcabcabcabcabcabc",
        "changeme-changeme-changeme-0123456789",
        "your-secret-key-here-please-0123456789",
        "Tabellion-0123456789-0123456789-012345",
    ],
)
def test_a_weak_secret_key_is_refused_and_not_repeated(monkeypatch, key):
    monkeypatch.setenv("TABELLION_SECRET_KEY", key)
    with pytest.raises(SettingsError, match=r"^TABELLION_SECRET_KEY: ") as refusal:
        load_settings()
    assert key not in str(refusal.value)


def test_a_database_of_ones_own_needs_a_secret_key_of_ones_own(monkeypatch):
    monkeypatch.setenv("TABELLION_DATABASE_URL", ELSEWHERE)
    with pytest.raises(SettingsError, match="TABELLION_SECRET_KEY is required"):
        load_settings()
    assert not Path(".tabellion").exists()


@pytest.mark.parametrize("password", ["short", "changeme", "Admin123", "zzzzzzzzzz"])
def test_a_first_administrator_with_a_known_password_is_refused(monkeypatch, password):
    monkeypatch.setenv("TABELLION_ADMIN_EMAIL", "ada@example.org")
    monkeypatch.setenv("TABELLION_ADMIN_PASSWORD", password)
    with pytest.raises(SettingsError, match=r"^TABELLION_ADMIN_PASSWORD: "):
        load_settings()


def test_a_first_administrator_needs_both_settings(monkeypatch):
    monkeypatch.setenv("TABELLION_ADMIN_EMAIL", "ada@example.org")
    with pytest.raises(SettingsError, match="go together"):
        load_settings()


def test_roles_without_the_database_are_refused(monkeypatch):
    monkeypatch.setenv("TABELLION_OWNER_DATABASE_URL", ELSEWHERE)
    with pytest.raises(SettingsError, match="need TABELLION_DATABASE_URL"):
        load_settings()


def test_every_wrong_value_is_named_and_none_is_repeated(monkeypatch):
    for name, value in {
        "DATABASE_URL": "mysql://root:hush@localhost/x",
        "PORT_PYBASE": "eighty",
        "PORT_CMS": "70000",
        "RATE_LIMITS": "sometimes",
        "LOG_LEVEL": "loud",
        "TRUSTED_PROXIES": "10.0.0.0/8, gateway",
        "CORS_ORIGINS": "https://app.example.org/path",
        "PUBLIC_URL": "ftp://example.org",
    }.items():
        monkeypatch.setenv(f"TABELLION_{name}", value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    lines = str(refusal.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "TABELLION_DATABASE_URL",
        "TABELLION_PORT_PYBASE",
        "TABELLION_PORT_CMS",
        "TABELLION_PUBLIC_URL",
        "TABELLION_TRUSTED_PROXIES",
        "TABELLION_CORS_ORIGINS",
        "TABELLION_LOG_LEVEL",
        "TABELLION_RATE_LIMITS",
    ]
    assert "hush" not in str(refusal.value)


def test_with_nothing_set_everything_is_embedded_and_local():
    settings = load_settings()
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.kafka_bootstrap_servers == ()
    assert settings.host == "127.0.0.1"
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.rate_limits is True


def test_the_environment_wins_over_the_file_and_an_empty_value_means_unset(monkeypatch):
    Path(".env").write_text(
        "TABELLION_PORT_PYBASE=9001\n"
        "TABELLION_PORT_CMS=9002\n"
        "TABELLION_HOST=\n"
        "TABELLION_RATE_LIMITS=off\n"
        "POSTGRES_PASSWORD=of-another-program\n"
    )
    monkeypatch.setenv("TABELLION_PORT_PYBASE", "9003")
    monkeypatch.setenv("TABELLION_PORT_CMS", "")
    monkeypatch.setenv("TABELLION_DATABASE_URL", "")
    settings = load_settings()
    assert settings.port_pybase == 9003
    assert settings.port_cms == 9002
    assert settings.host == "127.0.0.1"
    assert settings.rate_limits is False
    assert settings.database_url is None


def test_lists_are_parted_by_commas(monkeypatch):
    monkeypatch.setenv("TABELLION_TRUSTED_PROXIES", "10.1.2.3, 192.168.0.0/16")
    monkeypatch.setenv(
        "TABELLION_CORS_ORIGINS", "https://A.example:443, http://b:3000/"
    )
    monkeypatch.setenv("TABELLION_KAFKA_BOOTSTRAP_SERVERS", "one:9092,two:9092")
    settings = load_settings()
    assert settings.trusted_proxies == ("10.1.2.3/32", "192.168.0.0/16")
    assert settings.cors_origins == ("https://a.example", "http://b:3000")
    assert settings.kafka_bootstrap_servers == ("one:9092", "two:9092")


def test_where_browsers_may_be_sent_is_named(monkeypatch):
    name = "TABELLION_OAUTH_REDIRECT_ORIGINS"
    monkeypatch.setenv(name, "https://App.example.org:443, http://localhost:*")
    assert load_settings().oauth_redirect_origins == (
        "https://app.example.org",
        "http://localhost:*",
    )
    for wrong in ("*", "http://example.org:*", "app.example.org", "app://x"):
        monkeypatch.setenv(name, wrong)
        with pytest.raises(SettingsError, match=f"^{name}: "):
            load_settings()


def test_a_provider_is_named_whole(monkeypatch):
    monkeypatch.setenv("TABELLION_OAUTH_CLIENT_ID", "tabellion")
    with pytest.raises(SettingsError, match="TABELLION_OAUTH_AUTHORIZE_URL"):
        load_settings()


def test_the_secret_key_is_made_once_and_for_our_eyes_only():
    key = load_settings().secret_key.get_secret_value()
    assert len(bytes.fromhex(key)) == 64
    assert load_settings().secret_key.get_secret_value() == key
    made = Path(".tabellion/secret_key")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


def test_processes_that_make_the_secret_key_at_once_agree_on_it():
    with ThreadPoolExecutor(8) as threads:
        loaded = list(threads.map(lambda _: load_settings(), range(8)))
    assert len({settings.secret_key for settings in loaded}) == 1
    assert [path.name for path in Path(".tabellion").iterdir()] == ["secret_key"]


def test_a_secret_may_stand_in_a_file(monkeypatch):
    Path("key").write_text(GOOD_KEY + "\n")
    Path("database").write_text(ELSEWHERE)
    monkeypatch.setenv("TABELLION_SECRET_KEY_FILE", "key")
    Path(".env").write_text("TABELLION_DATABASE_URL_FILE=database\n")
    settings = load_settings()
    assert settings.secret_key.get_secret_value() == GOOD_KEY
    assert settings.database_url == ELSEWHERE


def test_a_secret_twice_or_in_no_file_is_refused(monkeypatch):
    monkeypatch.setenv("TABELLION_SECRET_KEY_FILE", "nowhere")
    with pytest.raises(SettingsError, match=r"^TABELLION_SECRET_KEY_FILE: .*nowhere"):
        load_settings()
    monkeypatch.setenv("TABELLION_SECRET_KEY", GOOD_KEY)
    with pytest.raises(SettingsError, match="are both set"):
        load_settings()


def test_the_list_of_settings_shows_no_secret(monkeypatch):
    monkeypatch.setenv("TABELLION_SECRET_KEY", GOOD_KEY)
    monkeypatch.setenv("TABELLION_DATABASE_URL", ELSEWHERE)
    monkeypatch.setenv("TABELLION_REDIS_URL", "redis://:hush@cache:6379/0")
    settings = load_settings()
    shown = {line.variable: line.value for line in describe(settings)}
    assert shown["TABELLION_DATABASE_URL"] == (
        "postgresql://app:********@db.example.org/tabellion"
    )
    assert shown["TABELLION_REDIS_URL"] == "redis://:********@cache:6379/0"
    assert shown["TABELLION_SECRET_KEY"] == "********"
    for text in (str(shown), repr(settings)):
        assert "hush" not in text
        assert GOOD_KEY not in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://app@/x?host=%2Frun", "postgresql://app@/x?host=%2Frun"),
        ("postgresql://a:b/c@d@h/x", "postgresql://a:********@h/x"),
        (
            "postgresql://h/x?password=p&port=1",
            "postgresql://h/x?password=********&port=1",
        ),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_passwords_of_urls_are_hidden(url, shown):
    assert redacted(url) == shown


def test_every_setting_tells_its_unit_and_its_meaning():
    for line in describe(load_settings()):
        assert line.unit, line.variable
        assert len(line.description) > 10, line.variable


def test_a_misspelt_setting_is_found(monkeypatch):
    monkeypatch.setenv("TABELLION_PORT_PYBSE", "8000")
    monkeypatch.setenv("TABELLION_SECRET_KEY_FILE", "key")
    assert unknown_variables() == ["TABELLION_PORT_PYBSE"]


def test_reading_the_settings_loads_no_server_and_no_driver():
    loaded = subprocess.run(
        [sys.executable, "-c", "import commands.settings, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"fastapi", "uvicorn", "psycopg", "eventsourcing"} & set(loaded)
