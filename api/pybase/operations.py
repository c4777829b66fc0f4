"""Alive, ready, and what this server is."""

from api.http import Reply, Request, json_reply
from api.metrics import CONTENT_TYPE, Metrics
from api.versions import VERSION
from commands.system import System
from domain.errors import Busy


async def health(system: System, _request: Request) -> Reply:
    return json_reply(
        {
            "status": "healthy",
            "environment": system.settings.environment,
            "version": VERSION,
        }
    )


async def ready(system: System, _request: Request) -> Reply:
    try:
        await system.reader.run([(b"SELECT 1", [])])
    except Busy:
        return json_reply(
            {
                "detail": "The database does not answer",
                "code": "SERVICE_UNAVAILABLE",
                "status": "unavailable",
                "database": "disconnected",
            },
            503,
            {"retry-after": "1"},
        )
    return json_reply({"status": "ready", "database": "connected"})


async def info(system: System, _request: Request) -> Reply:
    return json_reply(
        {
            "name": "Tabellion",
            "version": VERSION,
            "api": "v1",
            "environment": system.settings.environment,
        }
    )


class Exposition:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def metrics(self, system: System, _request: Request) -> Reply:
        text = await self._metrics.text(system)
        return Reply(200, text, {"content-type": CONTENT_TYPE})
