"""Attachments: files of the workspace by their ids, and addresses of files elsewhere.

    {"id": …, "name": "plan.pdf", "size": 1200, "type": "application/pdf"}    uploaded
    {"name": "plan.pdf", "type": "application/pdf", "url": "https://…"}       elsewhere

A client sends {id} of an upload, or {url, name}; what it reads it may send back.  That
an id is a file's of the workspace, and what is known of it, is decided under the head's
lock, in `domain/record`: until then there is nothing but the id.  What lies elsewhere
is never fetched, so its size is unknown and its type what its name says.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from domain.errors import Json
from domain.ids import canonical
from domain.values.content_types import PATTERN, content_type_of, takes
from domain.values.formats import is_url
from domain.values.options import flag, kept, whole
from domain.values.value import BadValue, Shown, Value, well_formed

if TYPE_CHECKING:
    from domain.catalog import Field

MAX_ATTACHMENTS = 100  # of one value
MAX_ADDRESS = 2_048
MAX_FILE_NAME = 255
MAX_PATTERNS = 100
_KEYS = frozenset({"id", "name", "size", "type", "url"})

# below the server's own address, whatever it is called by
PATH = ("/api/v1/attachments/", "/content")


def file_url(file_id: str) -> str:
    """Where an uploaded file is downloaded from: a path on the server itself."""
    return file_id.join(PATH)


def attachment_options(options: Mapping[str, Any]) -> dict[str, Json]:
    return kept(
        allowed_types=_patterns(options.get("allowed_types")),
        max_size=whole(options, "max_size", 1, 2**53),
        allow_multiple=flag(options, "allow_multiple"),
    )


def _patterns(given: Any) -> list[Json] | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > MAX_PATTERNS:
        raise BadValue(f"Option allowed_types must be at most {MAX_PATTERNS} types")
    found = [one.strip().lower() if isinstance(one, str) else "" for one in given]
    if not all(map(PATTERN.fullmatch, found)):
        raise BadValue(
            "Option allowed_types must have types such as image/png, image/* or .pdf"
        )
    return list(dict.fromkeys(found)) or None


def read_attachments(value: Any, field: "Field") -> Value:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise BadValue(
            "Value must be an array of {id} or {url, name}", "type_error.list"
        )
    if len(value) > MAX_ATTACHMENTS:
        raise BadValue(f"Value must have at most {MAX_ATTACHMENTS} attachments")
    distinct: dict[str, dict[str, Any]] = {}
    for given in value:
        one = _read(given, field)
        distinct.setdefault(one.get("id") or one["url"], one)
    if len(distinct) > 1 and field.option("allow_multiple", True) is False:
        raise BadValue("This field holds at most one attachment")
    return list(distinct.values()) or None


def _read(given: Mapping[str, Any], field: "Field") -> dict[str, Any]:
    if set(given) - _KEYS:
        raise BadValue("An attachment must be {id} or {url, name}")
    if given.get("id") is None:
        return _read_address(given, field)
    found = canonical(given["id"]) if isinstance(given["id"], str) else None
    if found is None:
        raise BadValue("Value has a malformed attachment id")
    return {"id": found}


def _read_address(given: Mapping[str, Any], field: "Field") -> dict[str, Any]:
    url = given.get("url")
    if url is None:
        raise BadValue("An attachment must be {id} or {url, name}")
    if not isinstance(url, str) or len(url) > MAX_ADDRESS or not _leads_to_file(url):
        raise BadValue("An attachment's url must be an absolute URL of http or https")
    name = given.get("name") or _last_part(url)
    if not isinstance(name, str) or len(name) > MAX_FILE_NAME or not well_formed(name):
        raise BadValue(
            f"An attachment's name must be at most {MAX_FILE_NAME} characters"
        )
    type_ = content_type_of(name) or content_type_of(_last_part(url))
    one: dict[str, Any] = kept(name=name, type=type_, url=url)
    fits(one, field)
    return one


def _leads_to_file(url: str) -> bool:
    return well_formed(url) and is_url(url) and urlsplit(url).scheme in _SCHEMES


_SCHEMES = ("http", "https", "ftp")


def _last_part(url: str) -> str:
    parts = urlsplit(url)
    name = unquote(parts.path.rpartition("/")[2]).replace("\x00", "")
    return (name or parts.hostname or "file")[:MAX_FILE_NAME]


def fits(one: Mapping[str, Any], field: "Field") -> None:
    """Raises BadValue for an attachment that the field's options do not take."""
    allowed = field.option("allowed_types", None)
    if allowed and not takes(allowed, one.get("type"), one["name"]):
        raise BadValue(
            f"{_named(one)} is not of the types {', '.join(allowed)}",
            "value_error.file_type",
        )
    most = field.option("max_size", None)
    if most is not None and one.get("size", 0) > most:
        raise BadValue(
            f"{_named(one)} has more than {most} bytes", "value_error.file_size"
        )


def _named(one: Mapping[str, Any]) -> str:
    return repr(one["name"][:80])


def file_ids(value: Value) -> Sequence[str]:
    """The uploaded files that a value names and nothing else is known of yet."""
    items = value if isinstance(value, list) else []
    return [one["id"] for one in items if one.keys() == {"id"}]


def show_attachments(value: Any, _field: "Field") -> Shown:
    return [
        {
            "id": one.get("id"),
            "name": one["name"],
            "size": one.get("size"),
            "type": one.get("type"),
            "url": one["url"] if "url" in one else file_url(one["id"]),
        }
        for one in value
    ]
