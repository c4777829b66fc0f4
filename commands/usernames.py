"""Usernames: chosen by whoever signs up, or made from the e-mail address.

A username is unique ignoring case, and has no @: a log-in tells it from an address.
"""

import re
from typing import Final

PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MOST = 64  # characters

_USERNAME = re.compile(PATTERN, re.ASCII)
_OTHERS = re.compile(r"[^a-z0-9._-]+")
_OF_AN_ADDRESS = 50  # characters that are taken of one
_OF_AN_ID = 12  # characters: the random end


def is_username(text: str) -> bool:
    return _USERNAME.fullmatch(text) is not None


def username_key(username: str) -> str:
    """What equal usernames share."""
    return username.lower()


def derived(email: str) -> str:
    """The part before the @, as far as a username may have it."""
    local = email.strip().lower().partition("@")[0]
    return _OTHERS.sub("-", local)[:_OF_AN_ADDRESS].strip("._-") or "user"


def derived_apart(email: str, user_id: str) -> str:
    """The same where somebody has that one."""
    return f"{derived(email)}-{user_id[-_OF_AN_ID:]}"
