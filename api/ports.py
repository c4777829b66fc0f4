"""A port that two surfaces share: each has the paths below its own prefix."""

from api.access import AccessLog
from api.door import Receive, Scope, Send
from api.http import Reply
from api.metrics import Metrics
from api.pybase.app import PyBaseApplication
from api.routes import Routes
from api.tables.app import PREFIX, TablesApplication
from api.telling import Telling
from commands.system import System
from domain.errors import DomainError


class RecordsPort:
    """PyBase, and Table REST below `/api/workspace`."""

    def __init__(self, system: System, metrics: Metrics, access: AccessLog) -> None:
        telling = Telling(metrics, access)
        self.pybase = PyBaseApplication(system, metrics, telling)
        self.tables = TablesApplication(system, telling)
        self.max_header_bytes = self.pybase.max_header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_tables = scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/")
        application = self.tables if of_tables else self.pybase
        await application(scope, receive, send)

    @property
    def routes(self) -> Routes:
        return self.pybase.routes

    def refusal(self, error: DomainError) -> Reply:
        """For what never becomes a request (`api/protocol.py`)."""
        return self.pybase.refusal(error)

    def drain(self) -> None:
        """Ends what would wait on: the process is going to stop."""
        self.pybase.drain()

    async def close(self) -> None:
        await self.pybase.close()
        await self.tables.close()
