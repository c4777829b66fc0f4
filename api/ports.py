"""The ports of one process, and which surface answers on which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from api.access import AccessLog
from api.browsers import Application
from api.cms.app import CmsApplication
from api.door import Receive, Scope, Send
from api.guesses import Guesses
from api.http import Reply
from api.metrics import Metrics
from api.pybase.app import PREFIX as API
from api.pybase.app import PyBaseApplication
from api.routes import Routes
from api.tables.app import PREFIX, TablesApplication
from api.telling import Telling
from commands.settings import Settings
from commands.system import System
from domain.errors import DomainError


class RecordsPort:
    """PyBase, and Table REST below `/api/workspace`."""

    def __init__(
        self,
        system: System,
        metrics: Metrics,
        telling: Telling,
        guesses: Guesses | None,
    ) -> None:
        mount = system.settings.mount
        self.pybase = PyBaseApplication(
            system, metrics, telling, guesses, mount("pybase")
        )
        self.tables = TablesApplication(system, telling, mount("tables"))
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


class SinglePort:
    """Every surface below a prefix of its own.

    What is below none is PyBase's refusal, but for what programs look at that know no
    prefix: whether the process answers, and its figures.
    """

    def __init__(
        self, settings: Settings, records: RecordsPort, cms: CmsApplication
    ) -> None:
        self._records, self._cms = records, cms
        self._below: dict[str, Application] = {
            settings.mount("pybase"): records.pybase,
            settings.mount("tables"): records.tables,
            settings.mount("cms"): cms,
        }
        self.max_header_bytes = records.max_header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        first, slash, rest = path.removeprefix("/").partition("/")
        application = self._below.get(f"/{first}")
        if application is not None:
            await application({**scope, "path": slash + rest or "/"}, receive, send)
        elif scope["type"] != "http" or path in _WITHOUT_PREFIX:
            await self._records.pybase(scope, receive, send)
        else:
            nowhere = {**scope, "path": _NOWHERE}
            await self._records.pybase(nowhere, receive, send)

    def refusal(self, error: DomainError) -> Reply:
        """For what never becomes a request (`api/protocol.py`)."""
        return self._records.refusal(error)

    def drain(self) -> None:
        self._records.drain()
        self._cms.drain()


# a path of PyBase's at which there is never anything
_NOWHERE = "/nowhere"
_WITHOUT_PREFIX = frozenset(
    {"/", "/metrics", *(f"{API}/{one}" for one in ("health", "ready", "metrics"))}
)
Port: TypeAlias = RecordsPort | CmsApplication | SinglePort


@dataclass(frozen=True, slots=True)
class Doors:
    """Every surface of a process, over one system."""

    records: RecordsPort
    cms: CmsApplication
    guesses: Guesses | None  # counted over all of them

    @classmethod
    def of(cls, system: System, metrics: Metrics, access: AccessLog) -> "Doors":
        telling = Telling(metrics, access)
        guesses = Guesses.of(system.settings)
        return cls(
            RecordsPort(system, metrics, telling, guesses),
            CmsApplication(system, telling, guesses, system.settings.mount("cms")),
            guesses,
        )

    def by_port(self, settings: Settings) -> Mapping[int, Port]:
        if settings.single_port:
            one = SinglePort(settings, self.records, self.cms)
            return {settings.port_pybase: one}
        return {settings.port_pybase: self.records, settings.port_cms: self.cms}

    async def close(self) -> None:
        await self.records.close()
        await self.cms.close()
        if self.guesses is not None:
            await self.guesses.close()
