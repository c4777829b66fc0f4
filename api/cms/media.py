"""Media: the files that PyBase calls attachments, uploaded and read by members."""

from typing import Any

from api import files
from api.files import Found
from api.http import Reply, Request, Streamed, json_reply
from api.writing import etag
from commands.system import System


async def upload(system: System, request: Request) -> Reply:
    return await files.upload(system, request, shown)


async def get_medium(system: System, request: Request) -> Reply:
    found = await files.find(system, request)
    return json_reply(shown(found), headers={"etag": etag(1)})


async def download(system: System, request: Request) -> Reply | Streamed:
    one = (await files.find(system, request)).file
    return files.content(system, request, one)


def shown(found: Found) -> dict[str, Any]:
    one = found.file
    return {
        "id": one.id,
        "name": one.name,
        "size": one.size,
        "type": one.type,
        "url": f"/media/{one.id}/content",
        "sha256": one.sha256,
        "workspace_id": found.workspace_id,
        "created_by": found.created_by,
        "created_at": found.created_at,
    }
