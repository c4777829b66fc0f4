"""Texts of a known form: addresses, telephone numbers, barcodes.  Kept as given.

The forms are wide: what is refused cannot be one, what is taken may still lead nowhere.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from domain.errors import Json
from domain.values.options import kept, word
from domain.values.text import MAX_TEXT, checked_text
from domain.values.value import BadValue, Value

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_EMAIL = 254  # RFC 5321, a path without its brackets
MAX_BARCODE = 200

_ASCII_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", re.ASCII)
_BLANK = re.compile(r"[\s\x00-\x20\x7f-\xa0]")


def read_email(value: Any, _field: "Field") -> Value:
    """local@domain, in any script; the domain has a dot."""
    text = checked_text(value, MAX_EMAIL)
    if text is not None and not is_email(text):
        raise BadValue("Value must be an e-mail address", "value_error.email")
    return text


def is_email(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    if not at or not 0 < len(local) <= 64 or _BLANK.search(text):
        return False
    atoms = local.split(".")
    return all(map(_is_atom, atoms)) and "." in domain and is_host(domain)


def _is_atom(text: str) -> bool:
    ascii_part = "".join(filter(str.isascii, text))
    return text != "" and (not ascii_part or bool(_ASCII_ATOM.fullmatch(ascii_part)))


_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")


def is_host(text: str) -> bool:
    """Whether it is a name of labels, 253 characters at most; not an address."""
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(map(_is_label, labels))


def _is_label(text: str) -> bool:
    # marks belong to letters of some scripts and are no \w
    plain = "".join(c if c.isascii() or c.isalnum() else "x" for c in text)
    return bool(_LABEL.fullmatch(plain)) and "_" not in plain


_SCHEMES = ("http", "https", "ftp")


def read_url(value: Any, _field: "Field") -> Value:
    """An absolute address of http, https, ftp or mailto."""
    text = checked_text(value, MAX_TEXT)
    if text is not None and not is_url(text):
        raise BadValue(
            "Value must be an absolute URL of http, https, ftp or mailto",
            "value_error.url",
        )
    return text


def is_url(text: str) -> bool:
    if _BLANK.search(text) or any(one in text for one in '<>"\\'):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is none
    except ValueError:
        return False
    if parts.scheme == "mailto":
        return all(map(is_email, parts.path.split(",")))
    return parts.scheme in _SCHEMES and _has_host(parts)


def _has_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        return _is_ipv6(host)
    # a name may have underscores where nobody registers it
    return is_host(host.replace("_", "x"))


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


_PHONE = re.compile(r"\(?\+?[0-9 ().-]+", re.ASCII)


def read_phone(value: Any, _field: "Field") -> Value:
    """5 to 20 digits, with + before them and - ( ) . and blanks among them."""
    text = checked_text(value, MAX_TEXT)
    if text is not None and not is_phone(text):
        raise BadValue("Value must be a telephone number", "value_error.phone")
    return text


def is_phone(text: str) -> bool:
    return bool(_PHONE.fullmatch(text)) and 5 <= sum(map(str.isdigit, text)) <= 20


# format -> how many digits, the last of which checks the others
_CHECKED = {"ean13": 13, "ean8": 8, "upca": 12}


def read_barcode(value: Any, field: "Field") -> Value:
    text = checked_text(value, MAX_BARCODE)
    form = _plain(str(field.option("format", "")))
    if text is None or form not in _CHECKED:
        return text
    digits = _CHECKED[form]
    if len(text) != digits or not text.isascii() or not text.isdecimal():
        raise BadValue(f"Value must have {digits} digits", "value_error.barcode")
    if not _check_digit_fits(text):
        raise BadValue("The check digit is wrong", "value_error.barcode")
    return text


def _plain(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "").replace(" ", "")


def _check_digit_fits(digits: str) -> bool:
    """GS1: from the right, digits count once and three times in turn."""
    weights = (1, 3)
    total = sum(
        int(digit) * weights[place % 2] for place, digit in enumerate(reversed(digits))
    )
    return total % 10 == 0


def barcode_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(format=word(options, "format", 40))
