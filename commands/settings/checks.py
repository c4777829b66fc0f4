"""What a value of a setting must be, beyond its type.  Pure."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from domain.values import PATTERN

SECRET_KEY_LENGTH = 32  # characters, at least
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]+)?")
_ANY_PORT = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\]):\*")
_DEFAULT_PORT = re.compile(r"^(http://.*):80$|^(https://.*):443$")
_WEAK_WORDS = re.compile(
    r"change.?me|your.?secret|secret.?key|password|insecure|example|default|tabellion"
)
_KNOWN_PASSWORDS = re.compile(
    r"(admin(istrator)?|change.?me|default|letmein|pass.?word|qwerty(uiop)?|secret|"
    r"tabellion|12345678)[0-9]*"
)


def _split(value: object) -> object:
    """`a, b` as a tuple; anything that is no string is left to pydantic."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def url(*schemes: str) -> AfterValidator:
    """Accepts a URL of one of `schemes`, with its slash at the end cut off."""

    def check(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            wanted = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ValueError(f"should be a URL that starts with {wanted}")
        return value.rstrip("/")

    return AfterValidator(check)


def networks(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(value, strict=False)) for value in values)


def durations(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        known = re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,6})?", value, re.ASCII)
        if known is None:
            raise ValueError(f"{value!r} is no number of seconds such as 300")
    return values


def ports(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        known = value.isascii() and value.isdigit() and 0 < int(value) < 65536
        if value != "*" and not known:
            raise ValueError(f"{value!r} is no port such as 443, and not *")
    return values


def origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """As browsers write them: lower case, and no port that goes without saying."""
    found = []
    for value in values:
        origin = value.rstrip("/").lower()
        if value != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{value!r} is no origin such as https://app.example.org")
        found.append(_DEFAULT_PORT.sub(r"\1\2", origin))
    return tuple(found)


def redirect_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Origins to which browsers may be sent: all are named, but for local ports."""
    found = []
    for value in values:
        origin = value.lower()
        if _ANY_PORT.fullmatch(origin):
            found.append(origin)
        elif value == "*" or not origin.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is no origin such as https://app.example.org")
        else:
            found += origins((origin,))
    return tuple(found)


def type_patterns(values: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(value.lower() for value in values)
    for value in found:
        if not PATTERN.fullmatch(value):
            raise ValueError(f"{value!r} is no type such as image/png, image/* or .pdf")
    return found


def strong_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if key and len(key) < SECRET_KEY_LENGTH:
        raise ValueError(f"should have at least {SECRET_KEY_LENGTH} characters")
    if key and (len(set(key)) < 8 or _WEAK_WORDS.search(key.lower())):
        raise ValueError("is easily guessed; `openssl rand -hex 64` makes a good one")
    return value


def strong_password(value: SecretStr) -> SecretStr:
    password = value.get_secret_value()
    if len(password) < 8:
        raise ValueError("should have at least 8 characters")
    if len(set(password)) == 1 or _KNOWN_PASSWORDS.fullmatch(password.lower()):
        raise ValueError("is among the first that anyone would try")
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
DatabaseUrl = Annotated[str, url("postgresql", "postgres")]
Port = Annotated[int, Field(ge=1, le=65535)]
