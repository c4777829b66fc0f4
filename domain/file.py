"""Files that were uploaded to a workspace: commands, events, names and types.

Pure.  An event holds what a file is called and the SHA-256 of its content; the content
itself lies in the data directory under that hash (`commands/files.py`).  A file never
changes and is never taken away, so whatever names it can be undone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.access import Role
from domain.decider import decides, folds
from domain.errors import Conflict
from domain.events import Command, Event, Recorded, event
from domain.facts import Facts, File
from domain.values import content_type_of

MAX_NAME = 255

# controls, and marks that turn the direction of what follows around
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,80}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}")

BYTES = "application/octet-stream"
LOOKED_AT = 16  # bytes of a content that tell its type

# what begins like this is of that type, whatever it is called
_SIGNS: Sequence[tuple[re.Pattern[bytes], str]] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"%PDF-"), "application/pdf"),
)
_SIGNED = frozenset(name for _, name in _SIGNS)

# what may be sent under its own name: nothing that a browser would run
_SERVED: Mapping[str, str] = {
    **{name: name for name in _SIGNED},
    **{
        name: name
        for name in (
            "application/json",
            "application/zip",
            "audio/mpeg",
            "audio/ogg",
            "audio/wav",
            "video/mp4",
            "video/webm",
        )
    },
    "text/plain": "text/plain; charset=utf-8",
    "text/csv": "text/csv; charset=utf-8",
}


SERVED = (BYTES, *sorted(_SERVED))


@dataclass(frozen=True, slots=True)
class UploadFile(Command):
    """The content is in its place already."""

    file: File


@event("file.uploaded")
class FileUploaded(Event):
    """Cannot be taken back: nobody sees a file until a record names it, and that can
    be.  `size` in bytes, `sha256` of the content in hexadecimal."""

    file_id: str
    name: str
    type: str
    size: int
    sha256: str
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@decides(UploadFile, role=Role.editor)
def _upload(command: UploadFile, facts: Facts) -> Sequence[Event]:
    facts.catalog.live_workspace()
    one = command.file
    if one.id in facts.files:
        raise Conflict("The file exists already")
    return [FileUploaded(one.id, one.name, one.type, one.size, one.sha256)]


@folds(FileUploaded)
def _fold(facts: Facts, recorded: Recorded, event: FileUploaded) -> None:
    facts.put(facts.versions, event.file_id, recorded.version)
    kept = File(event.file_id, event.name, event.type, event.size, event.sha256)
    facts.put(facts.files, event.file_id, kept)


def file_name(given: str) -> str:
    """A name without folders and without characters that nobody sees."""
    name = re.split(r"[/\\]", given)[-1]
    return _HIDDEN.sub("_", name).strip(" .") or "file"


def file_type(declared: str, name: str, head: bytes) -> str:
    """What a content is: by its first bytes, else as declared, else by its name.

    Images and PDF are only what begins like them.
    """
    for sign, found in _SIGNS:
        if sign.match(head):
            return found
    said = declared.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(said) or said == BYTES:
        said = content_type_of(name) or BYTES
    return BYTES if said in _SIGNED else said


def served_type(type_: str) -> str:
    """The content type that a file is sent with."""
    return _SERVED.get(type_, BYTES)
