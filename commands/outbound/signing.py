"""Signatures of messages, after Standard Webhooks (standardwebhooks.com), version 1.

    webhook-id         msg_…, without a full stop
    webhook-timestamp  seconds since 1970
    webhook-signature  v1,<base64>, one for each secret, parted by blanks

A signature is the HMAC-SHA256 of `<id>.<timestamp>.<body>`; a secret is `whsec_` and
the base64 of its 24 to 64 bytes.  Pure, but for `new_secret`.
"""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping

PREFIX = "whsec_"
TOLERANCE = 300  # seconds that a message's time may be away from now
_BYTES = 32  # of a secret that is made here
_FEWEST, _MOST = 24, 64  # bytes of any


class NotGenuine(Exception):
    """The signature is none of a secret that is known"""


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Raises ValueError."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is whsec_ and base64") from error
    if not _FEWEST <= len(key) <= _MOST:
        raise ValueError(f"a secret has {_FEWEST} to {_MOST} bytes")
    return key


def signed(
    id: str, timestamp: int, body: bytes, secrets: Iterable[str]
) -> Mapping[str, str]:
    """The three headers of a message.  Raises ValueError."""
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            signature(id, timestamp, body, secret) for secret in secrets
        ),
    }


def signature(id: str, timestamp: int, body: bytes, secret: str) -> str:
    """Raises ValueError: a full stop in an id would make two messages look the same."""
    if not id or "." in id:
        raise ValueError("an id is not empty and has no full stop")
    content = b".".join([id.encode(), str(timestamp).encode(), body])
    return "v1," + b64encode(hmac.digest(key_of(secret), content, "sha256")).decode()


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str], *, now: float
) -> str:
    """The id of a message that one of `secrets` signed not long ago.

    `headers`: by names in lower case; `now`: seconds since 1970.  Raises NotGenuine.
    """
    id, said = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    # digits as str() writes them, or a signature over another spelling would do
    if (
        not said.isascii()
        or not said.isdigit()
        or len(said) > 12
        or str(int(said)) != said
    ):
        raise NotGenuine
    if abs(now - int(said)) > TOLERANCE or not id or "." in id:
        raise NotGenuine
    expected = [signature(id, int(said), body, one).encode() for one in secrets]
    given = [one.encode() for one in headers.get("webhook-signature", "").split(" ")]
    # all of both, however soon one fits
    if not sum(hmac.compare_digest(a, b) for a in expected for b in given):
        raise NotGenuine
    return id
