"""What operators look at."""

from typing import Any

import orjson

from api.http import Reply, Request
from api.routes import Route
from commands.system import System, now, time_text

_TEXT: dict[str, Any] = {"type": "string"}
_HEALTH = {
    "type": "object",
    "properties": {"status": _TEXT, "timestamp": _TEXT, "service": _TEXT},
    "required": ["status", "timestamp", "service"],
}


async def health(_system: System, _request: Request) -> Reply:
    body = {"status": "ok", "timestamp": time_text(now()), "service": "cms"}
    return Reply(200, orjson.dumps(body))


def operation_rows() -> list[Route]:
    return [
        Route(
            "GET",
            "/health",
            "Whether the process answers",
            health,
            "operations",
            public=True,
            response=_HEALTH,
        )
    ]
