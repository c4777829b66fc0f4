"""Sealing: what is kept so that only who has the server's secret key can read it again.

Fernet, under a key that HKDF makes of TABELLION_SECRET_KEY.  What was sealed with an
earlier secret key is read with it, where it is named behind the present one.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"tabellion: sealed in the vault"


class Unreadable(Exception):
    """It was sealed with another secret key"""


class Sealing:
    """`secret_keys`: the first one seals, each of them opens."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._keys = MultiFernet([Fernet(_derived(one)) for one in secret_keys])

    def seal(self, content: bytes) -> bytes:
        return self._keys.encrypt(content)

    def open(self, sealed: bytes) -> bytes:
        """Raises Unreadable."""
        try:
            return self._keys.decrypt(sealed)
        except InvalidToken as error:
            raise Unreadable(Unreadable.__doc__) from error


def _derived(secret_key: str) -> bytes:
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return urlsafe_b64encode(made.derive(secret_key.encode()))
