"""What operators look at."""

from typing import Any

import orjson

from api.http import Reply, Request
from api.routes import Route
from api.versions import VERSION
from commands.system import System, now, time_text

_TEXT: dict[str, Any] = {"type": "string"}
_SAID = ("status", "timestamp", "service", "version")
_HEALTH = {
    "type": "object",
    "properties": dict.fromkeys(_SAID, _TEXT),
    "required": list(_SAID),
}


_HOME = b"Tabellion: headless CMS.  /docs and /openapi.json say what it answers.\n"


async def home(_system: System, _request: Request) -> Reply:
    return Reply(200, _HOME, {"content-type": "text/plain; charset=utf-8"})


async def health(_system: System, _request: Request) -> Reply:
    body = {
        "status": "ok",
        "timestamp": time_text(now()),
        "service": "cms",
        "version": VERSION,
    }
    return Reply(200, orjson.dumps(body))


def operation_rows() -> list[Route]:
    return [
        Route(
            "GET",
            "/",
            "What this is",
            home,
            "operations",
            public=True,
            response=_TEXT,
            media=("text/plain",),
        ),
        Route(
            "GET",
            "/health",
            "Whether the process answers",
            health,
            "operations",
            public=True,
            response=_HEALTH,
        ),
    ]
