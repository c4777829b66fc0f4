"""Rows 1 to 3: tokens that somebody made.  Rows 4 to 6 are covered elsewhere."""

import base64
import hmac
import json
import socket
from hashlib import sha256, sha384, sha512

import jwt
import pytest

PLAIN = {"alg": "HS256", "typ": "JWT"}
DIGESTS = {"HS256": sha256, "HS384": sha384, "HS512": sha512}


def encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(header, claims, key):
    """A token of any header and any text of claims."""
    text = claims if isinstance(claims, str) else json.dumps(claims)
    head = f"{encoded(json.dumps(header).encode())}.{encoded(text.encode())}"
    digest = DIGESTS.get(str(header.get("alg")), sha256)
    return f"{head}.{encoded(hmac.digest(key, head.encode(), digest))}"


@pytest.fixture
def key(settings):
    """What this surface signs with."""
    secret = settings.secret_key.get_secret_value()
    return sha256(f"pybase\0{secret}".encode()).digest()


@pytest.fixture
def claims(client, key):
    token = client.headers["authorization"].removeprefix("Bearer ")
    return jwt.decode(token, key, algorithms=["HS256"], audience="pybase")


@pytest.fixture
def refused(attack, anonymous):
    """`refused(token)`: this token lets nobody in."""

    def refused(token):
        headers = {"authorization": f"Bearer {token}".encode()}
        reply = attack(anonymous, "GET", "/users/me", expect=401, headers=headers)
        assert set(reply.json()) == {"detail", "code"}

    return refused


def test_what_is_forged_here_is_let_in_when_it_is_genuine(anonymous, claims, key):
    headers = {"authorization": f"Bearer {signed(PLAIN, claims, key)}"}

    assert anonymous.get("/users/me", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "NONE", " none", "", None, 7, [], "HS256 "]
)
def test_threat_01_an_unsigned_token(refused, claims, key, algorithm):
    token = signed({"alg": algorithm, "typ": "JWT"}, claims, key)
    head, _, signature = token.rpartition(".")

    for tail in ("", signature, "AA", "."):
        refused(f"{head}.{tail}")


def test_threat_01_a_signature_that_is_missing_cut_or_of_another_token(
    refused, claims, key
):
    head, _, signature = signed(PLAIN, claims, key).rpartition(".")
    other = signed(PLAIN, {**claims, "sub": "x"}, key).rpartition(".")[2]

    for tail in ("", signature[:-4], signature[::-1], other, "=" * 43, "A" * 43):
        refused(f"{head}.{tail}")
    refused(head)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "RS256", "ES256", "EdDSA"])
def test_threat_01_another_algorithm(refused, claims, key, algorithm):
    refused(signed({"alg": algorithm, "typ": "JWT"}, claims, key))


def test_threat_02_a_token_signed_with_what_everybody_knows(
    refused, anonymous, server, claims
):
    document = anonymous.get(f"{server.url}/openapi.json").content
    known = [b"", b"\0" * 32, b"pybase", b"tabellion", b"secret", document]

    for key in known:
        refused(signed(PLAIN, claims, key))


@pytest.mark.parametrize(
    "kid",
    [
        "../../dev/null",
        "/dev/null",
        "x' UNION SELECT '' --",
        "' OR 1=1; DROP TABLE vault.accounts; --",
        "|cat /etc/passwd",
        7,
        {},
        "x" * 2000,
    ],
    ids=lambda value: str(value)[:20],
)
def test_threat_02_a_header_that_names_the_key(refused, claims, kid):
    for key in (b"", b"x" * 32):
        refused(signed({**PLAIN, "kid": kid}, claims, key))


@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_threat_02_a_key_at_an_address_is_not_fetched(refused, claims, name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"

        refused(signed({**PLAIN, name: address, "kid": "1"}, claims, b"x" * 32))

        with pytest.raises(BlockingIOError):
            listener.accept()


def test_threat_02_a_key_that_the_token_brings(refused, claims):
    mine = b"a key of the attacker's own, 32 b"
    jwk = {"kty": "oct", "k": encoded(mine), "alg": "HS256"}

    refused(signed({**PLAIN, "jwk": jwk}, claims, mine))
    refused(signed({**PLAIN, "x5c": [encoded(mine)]}, claims, mine))


@pytest.mark.parametrize("crit", [["x"], ["exp"], [], "x", ["b64"], [7]], ids=str)
def test_threat_03_a_header_that_has_to_be_understood(refused, claims, key, crit):
    refused(signed({**PLAIN, "crit": crit, "x": 1}, claims, key))


@pytest.mark.parametrize(
    "said",
    [
        '"4000000000"',
        '"never"',
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1",
        "true",
        "null",
        "[4000000000]",
        "{}",
        "9" * 5000,
    ],
    ids=lambda value: value[:16],
)
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_threat_03_a_time_that_is_none(refused, claims, key, name, said):
    good = {other: value for other, value in claims.items() if other != name}
    body = f'{{"{name}": {said}, {json.dumps(good)[1:]}'

    if (name, said) in {("iat", "-1"), ("nbf", "-1"), ("nbf", "true")}:
        return  # a time that has come
    refused(signed(PLAIN, body, key))


@pytest.mark.parametrize(
    "name", ["exp", "iat", "sub", "sid", "typ", "aud", "iss", "all of them"]
)
def test_threat_03_a_claim_that_is_missing(refused, claims, key, name):
    left = {other: value for other, value in claims.items() if other != name}

    refused(signed(PLAIN, {} if name == "all of them" else left, key))


@pytest.mark.parametrize("body", ["", "x", "[]", "7", "null", '"x"', "[" * 5000])
def test_threat_03_claims_that_are_none(refused, key, body):
    refused(signed(PLAIN, body, key))


def test_threat_03_a_header_that_is_nested_too_deeply(refused):
    for text in ("[" * 2900, '{"a":' * 600, '{"alg":"HS256","x":' + "[" * 2800):
        refused(f"{encoded(text.encode())}.{encoded(b'{}')}.AAAA")


def test_threat_03_a_claim_twice(refused, claims, key, victim):
    for name, first in (("sub", victim.ids["user"]), ("exp", 1), ("aud", "cms")):
        body = f'{{"{name}": {json.dumps(first)}, {json.dumps(claims)[1:]}'
        refused(signed(PLAIN, body, key))


def test_threat_03_a_token_that_begins_later(refused, claims, key):
    refused(signed(PLAIN, {**claims, "nbf": claims["exp"] + 3600}, key))
