"""Content types of files: what names say about them, and what patterns take.

image/png   that type      image/*   all of a kind      .pdf   names that end so
"""

import re
from collections.abc import Iterable, Mapping

PATTERN = re.compile(
    r"\*/\*|[a-z0-9][a-z0-9!#$&^_.+-]*/(?:\*|[a-z0-9][a-z0-9!#$&^_.+-]*)"
    r"|\.?[a-z0-9][a-z0-9.]{0,19}"
)

_BY_ENDING: Mapping[str, str] = {
    "avif": "image/avif",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "dwg": "image/vnd.dwg",
    "dxf": "image/vnd.dxf",
    "gif": "image/gif",
    "gz": "application/gzip",
    "htm": "text/html",
    "html": "text/html",
    "ifc": "application/x-step",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "step": "model/step",
    "stl": "model/stl",
    "stp": "model/step",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}


def content_type_of(name: str) -> str | None:
    """The type that a file's name tells; None where it tells none."""
    return _BY_ENDING.get(_ending(name))


def takes(patterns: Iterable[str], type_: str | None, name: str) -> bool:
    """Whether one of the patterns fits a file; the type may be unknown."""
    return any(_fits(pattern, type_ or "", name) for pattern in patterns)


def _fits(pattern: str, type_: str, name: str) -> bool:
    if "/" not in pattern:
        return name.casefold().endswith("." + pattern.removeprefix("."))
    if pattern == "*/*":
        return True
    kind = pattern.removesuffix("*")
    return type_.startswith(kind) if kind != pattern else type_ == pattern


def _ending(name: str) -> str:
    stem, point, ending = name.rpartition(".")
    return ending.casefold() if stem and point else ""
