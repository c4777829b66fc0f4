"""Files, as every surface takes them in and sends them: uploaded, and to be saved.

A file is sent as something to save and never to show: `attachment`, a content type
from a list of harmless ones, no sniffing, a sandbox around it.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from api.downloads import attachment
from api.http import (
    Reply,
    Request,
    Streamed,
    UnsupportedMediaType,
    json_reply,
    read_id,
)
from api.uploads import Form, read_form
from api.writing import committed, etag, once, reply_of
from commands import files
from commands.system import System, new_id
from commands.unit import Outcome
from commands.write import Prepared, write
from domain.access import Role
from domain.catalog import Catalog
from domain.errors import Busy, Invalid, Malformed, NotFound
from domain.facts import File
from domain.file import (
    LOOKED_AT,
    MAX_NAME,
    UploadFile,
    file_name,
    file_type,
    served_type,
)
from domain.ids import WorkspaceId
from domain.values import takes
from projections.files import ONE

log = logging.getLogger(__name__)

# that of every reply, and a sandbox
_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
_OWNERS = ("workspace_id", "table_id")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it is kept, with who brought it and when."""

    file: File
    workspace_id: WorkspaceId
    created_by: str
    created_at: str


class Files:
    """A surface's handlers.  `address`: where its clients have a file's content."""

    def __init__(self, address: Callable[[str], str]) -> None:
        self._address = address

    async def upload(self, system: System, request: Request) -> Reply:
        return await upload(system, request, self._shown)

    async def get(self, system: System, request: Request) -> Reply:
        found = await find(system, request)
        return json_reply(self._shown(found), headers={"etag": etag(1)})

    async def download(self, system: System, request: Request) -> Reply | Streamed:
        return content(system, request, (await find(system, request)).file)

    def _shown(self, found: Found) -> dict[str, Any]:
        one = found.file
        return {
            "id": one.id,
            "name": one.name,
            "size": one.size,
            "type": one.type,
            "url": self._address(one.id),
            "sha256": one.sha256,
            "workspace_id": found.workspace_id,
            "created_by": found.created_by,
            "created_at": found.created_at,
        }


# ---------------------------------------------------------------- uploading


async def upload(
    system: System, request: Request, shown: Callable[[Found], Mapping[str, Any]]
) -> Reply:
    """Who may not write in the workspace that the query names hears so at once;
    `shown` is the surface's word for a file."""
    data_dir = system.settings.data_dir
    workspace_id = await _owner(system, request, request.query)
    with files.incoming(data_dir) as file:
        form = await read_form(request, "file", file, system.settings.max_file_bytes)
        if workspace_id is None:
            filled_in = {name: one for name, one in form.fields.items() if one}
            workspace_id = await _owner(system, request, filled_in)
        if workspace_id is None:
            workspace_id = await _only_workspace(system, request)
        one = _read_file(system, form, file)
        # the same bytes under another name are another request
        request.body += orjson.dumps([one.name, one.type])
        await files.keep(data_dir, file, one.sha256)
        found = WorkspaceId(workspace_id)

        def render(outcome: Outcome) -> Reply:
            made = Found(one, found, request.who.user_id, outcome.at)
            return committed(outcome, 201, orjson.dumps(shown(made)))

        def prepare(_catalog: Catalog) -> Prepared:
            return Prepared([UploadFile(one)], render)

        done = await write(
            system,
            request.who,
            request.origin(),
            found,
            Role.editor,
            prepare,
            once(request),
        )
    return reply_of(done)


async def _owner(system: System, request: Request, said: Any) -> WorkspaceId | None:
    """The workspace that is named, itself or by a table; None where none is.

    Raises NotFound and Forbidden for one that the caller may not write in.
    """
    given = {name: said[name] for name in _OWNERS if name in said}
    if not given:
        return None
    who, found = request.who, set()
    for name, text in given.items():
        noun = name.removesuffix("_id")
        one = read_id(text, noun)
        if noun == "table":
            one = await system.reader.find(who, noun, one)
        found.add(WorkspaceId(one))
    if len(found) > 1:
        raise Invalid("table_id is in another workspace than workspace_id")
    (workspace_id,) = found
    try:
        await system.reader.ask(who, workspace_id, lambda _: (), role=Role.editor)
    except NotFound as error:
        raise NotFound("Workspace not found") from error
    return workspace_id


async def _only_workspace(system: System, request: Request) -> WorkspaceId:
    """Of a caller with one workspace, that one.  Raises Invalid for any other."""
    mine = await system.reader.workspaces(request.who)
    if len(mine) != 1:
        raise Invalid(
            errors=[
                {"loc": ["workspace_id"], "msg": "Field required", "type": "missing"}
            ]
        )
    return mine[0]


def _read_file(system: System, form: Form, file: BinaryIO) -> File:
    """Raises Malformed for no file or no fit name, UnsupportedMediaType for a type
    that is not taken."""
    if form.size == 0:
        raise Malformed("The file is empty")
    name = file_name(form.filename)
    if len(name) > MAX_NAME:
        raise Malformed(f"The file's name has more than {MAX_NAME} characters")
    file.seek(0)
    type_ = file_type(form.type, name, file.read(LOOKED_AT))
    allowed = system.settings.file_types
    if allowed and not takes(allowed, type_, name):
        raise UnsupportedMediaType(f"Files of type {type_} are not taken")
    return File(new_id(), name, type_, form.size, form.digest)


# ------------------------------------------------------------------ reading


def content(
    system: System,
    request: Request,
    one: File,
    caching: Mapping[str, str] | None = None,
) -> Reply | Streamed:
    """The content; a part of it where one range is asked for."""
    named = f'"{one.sha256}"'
    headers = {
        **(caching or {}),
        "etag": named,
        "content-disposition": attachment(one.name),
        "content-security-policy": _POLICY,
        "accept-ranges": "bytes",
    }
    if _has(request.header("if-none-match"), named):
        return Reply(304, b"", headers)
    start, length = 0, one.size
    status = 200
    wanted = _range(request, named, one.size)
    if wanted is not None:
        start, length = wanted
        status = 206
        end = start + length - 1
        headers["content-range"] = f"bytes {start}-{end}/{one.size}"
    headers |= {"content-type": served_type(one.type), "content-length": str(length)}
    try:
        content = files.open_content(system.settings.data_dir, one.sha256, one.size)
    except files.ContentMissing:
        log.error("the content of a file is missing", extra={"file_id": one.id})
        raise Busy("The file's content cannot be read") from None
    return Streamed(files.parts(content, start, length), status, headers)


async def find(system: System, request: Request) -> Found:
    """The file that the path names, of one of the caller's workspaces.  Raises
    NotFound."""
    file_id = request.id("id", "file")
    workspace_id = await system.reader.find(request.who, "file", file_id)
    found = await system.reader.ask(
        request.who,
        workspace_id,
        lambda _: [(ONE, [workspace_id, file_id])],
        min_position=request.min_position,
    )
    rows = found.results[0]
    if not rows:
        raise NotFound("File not found")
    *one, created_by, created_at, _ = rows[0]
    return Found(File(*one), workspace_id, created_by, created_at)


def _has(given: str | None, wanted: str) -> bool:
    """Whether an `If-None-Match` names this content."""
    named = [one.strip().removeprefix("W/") for one in (given or "").split(",")]
    return wanted in named or named == ["*"]


def _range(request: Request, present: str, size: int) -> tuple[int, int] | None:
    """(start, length) of the one range that is asked for; None where all is sent:
    several ranges, one beyond the end and one of another content count for nothing."""
    if request.header("if-range") not in (None, present):
        return None
    found = _RANGE.fullmatch((request.header("range") or "").strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(0, size - int(found[2])), size - 1
    else:
        start, end = int(found[1]), min(size - 1, int(found[2] or size))
    return (start, end - start + 1) if start <= end else None
