"""Row 12: API keys that are not, not any more, or not the caller's."""

import logging

import pytest

from tests.client import Client, made

PATH = "/users/me/api-keys"
LINE = logging.Formatter("%(name)s %(message)s")
# the tests' own client, and what `tabellion serve` turns off and pytest listens to
NOT_OURS = ("httpx2", "httpcore2", "uvicorn.access")


@pytest.fixture
def key(newcomer):
    return made(newcomer.post(PATH, json={"name": "Sensors"}))


@pytest.fixture
def refused(attack, anonymous):
    """`refused(text)`: this key lets nobody in, in whichever header."""

    def refused(text):
        for name, value in (("x-api-key", text), ("authorization", f"Bearer {text}")):
            headers = {name: value.encode()}
            reply = attack(anonymous, "GET", "/users/me", expect=401, headers=headers)
            assert reply.json() == {
                "detail": "Authentication required",
                "code": "UNAUTHENTICATED",
            }

    return refused


def test_threat_12_a_key_with_one_character_changed(refused, anonymous, key):
    secret = key["key"]
    for place in (0, 4, 11, 12, 30, 46):
        other = "A" if secret[place] != "A" else "B"
        refused(secret[:place] + other + secret[place + 1 :])

    headers = {"x-api-key": secret}
    assert anonymous.get("/users/me", headers=headers).status_code == 200


def test_threat_12_a_key_that_is_cut_doubled_or_dressed_up(refused, key):
    secret = key["key"]
    for text in (
        secret[:-1],
        secret + "A",
        secret * 2,
        secret.upper(),
        secret.removeprefix("tbk_"),
        f"{secret},{secret}",
        f"'{secret}",
        key["key_prefix"],
        key["id"],
        "tbk_" + key["id"],
        "tbk_" + "%" * 43,
        "tbk_" + "_" * 43,
        "tbk_' OR ''='" + "x" * 34,
    ):
        refused(text)


def test_threat_12_a_key_of_ten_thousand_characters(refused, key):
    refused("tbk_" + "x" * 10_000)
    refused(key["key"] + "x" * 10_000)


def test_threat_12_a_deleted_key(newcomer, refused, key):
    assert newcomer.delete(f"{PATH}/{key['id']}").status_code == 204

    refused(key["key"])


def test_threat_12_the_id_of_anothers_key(attack, client, victim, refused):
    refused(victim.ids["key"])
    attack(client, "DELETE", f"{PATH}/{victim.ids['key']}", expect=404)
    assert len(made(victim.client.get(PATH))) == 1


@pytest.mark.parametrize(
    "name", ["api_key", "apikey", "key", "token", "access_token", "X-API-Key"]
)
def test_threat_12_a_key_in_the_query_is_none(attack, anonymous, key, name):
    for path in ("/users/me", "/workspaces", "/records"):
        attack(anonymous, "GET", path, expect=401, params={name: key["key"]})


def test_threat_12_a_key_is_never_logged(server, newcomer, key, caplog, ledger):
    caplog.set_level(logging.DEBUG)
    secret = key["key"]
    with Client(server.url) as client:
        client.headers["x-api-key"] = secret
        made(client.get("/users/me"))
        client.get("/nowhere", params={"api_key": secret})
        client.get(f"/tables/{secret}")
        client.post("/records", content=secret)
    newcomer.delete(f"{PATH}/{key['id']}")

    said = [one for one in caplog.records if not one.name.startswith(NOT_OURS)]
    assert any(one.name == "tabellion.access" for one in said)
    assert not any(secret[12:] in LINE.format(one) for one in said)
    rows = ledger.execute("SELECT t::text FROM ledger.access_log AS t").fetchall()
    assert secret[12:] not in str(rows)
