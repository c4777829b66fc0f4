"""A caller over HTTP, with the few things that most tests make first."""

import asyncio
import secrets
import ssl
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
import uvicorn

from api.access import AccessLog
from api.metrics import Metrics
from api.ports import Doors
from api.serve import DoorServer, server_config
from commands.embedded import DatabaseUrls
from commands.settings import Settings
from commands.system import System, build

T = TypeVar("T")
Json = dict[str, Any]
PASSWORD = "securepassword"  # the document's own
# trusts nobody, for it is plain HTTP: to read the certificates takes 50 ms a client
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ABSENT = "00000000-0000-7000-8000-000000000000"  # an id that nothing has


class Client(httpx2.Client):
    """Calls PyBase; after `register` as that user.  `made` checks for success."""

    def __init__(self, url: str) -> None:
        super().__init__(
            base_url=f"{url}/api/v1", timeout=30, trust_env=False, verify=NOBODY
        )
        self.user: Json = {}
        self.refresh_token = ""
        self._workspaces: dict[str, str] = {}  # by base, as far as known

    def register(self, name: str = "Ada", email: str | None = None) -> "Client":
        body = {"email": email or new_email(name), "password": PASSWORD, "name": name}
        signed_in = made(self.post("/auth/register", json=body))
        self.user = signed_in["user"]
        self.refresh_token = signed_in["refresh_token"]
        self.headers["authorization"] = f"Bearer {signed_in['access_token']}"
        return self

    def workspace(self, name: str = "Acme") -> Json:
        return made(self.post("/workspaces", json={"name": name}))

    def add_member(self, workspace_id: str, other: "Client", role: str) -> Json:
        return made(
            self.post(
                f"/workspaces/{workspace_id}/members",
                json={"user_id": other.user["id"], "role": role},
            )
        )

    def base(self, workspace_id: str | None = None, name: str = "Base") -> Json:
        """A base, in a new workspace where none is named."""
        owner = workspace_id or self.workspace()["id"]
        base = made(self.post("/bases", json={"workspace_id": owner, "name": name}))
        self._workspaces[base["id"]] = owner
        return base

    def table(
        self, *fields: Json | str, base_id: str | None = None, name: str = "Things"
    ) -> Json:
        """A table with these fields (a text field for a bare name), in a new base
        where none is named; `workspace_id` and `ids` (by name) are added."""
        base_id = base_id or self.base()["id"]
        if base_id not in self._workspaces:
            base = made(self.get(f"/bases/{base_id}"))
            self._workspaces[base_id] = base["workspace_id"]
        body = {
            "base_id": base_id,
            "name": name,
            "fields": [_field(f) for f in fields],
        }
        table = made(self.post("/tables", json=body))
        ids = {field["name"]: field["id"] for field in table["fields"]}
        return {**table, "workspace_id": self._workspaces[base_id], "ids": ids}

    def field(self, table_id: str, name: str, type: str = "text", **more: Any) -> Json:
        body = {"table_id": table_id, "name": name, "type": type, **more}
        return made(self.post("/fields", json=body))

    def record(self, table_id: str, **fields: Any) -> Json:
        return made(
            self.post("/records", json={"table_id": table_id, "fields": fields})
        )

    def records(self, table_id: str, *rows: Json) -> list[Json]:
        body = {"table_id": table_id, "records": [{"fields": row} for row in rows]}
        items: list[Json] = made(self.post("/records/batch", json=body))["items"]
        return items

    def constraint(self, field_id: str, **more: Any) -> Json:
        return made(self.post("/constraints", json={"field_id": field_id, **more}))

    def view(self, table_id: str, type: str = "grid", **more: Any) -> Json:
        body = {"table_id": table_id, "name": type.title(), "type": type} | more
        return made(self.post("/views", json=body))

    def webhook(self, table_id: str | None, **more: Any) -> Json:
        """An outgoing one that tells of new records, unless told."""
        body: Json = {"table_id": table_id, "name": "Hook", "type": "outgoing"}
        if more.get("type") != "incoming":
            body |= {"url": "https://hooks.example.org/in", "events": ["record.*"]}
        found: Json = made(self.post("/webhooks", json=body | more))
        return found

    def upload(
        self,
        workspace_id: str,
        content: bytes = b"content",
        name: str = "file.bin",
        type: str = "application/octet-stream",
    ) -> Json:
        reply = self.post(
            "/attachments",
            params={"workspace_id": workspace_id},
            files={"file": (name, content, type)},
        )
        found: Json = made(reply)
        return found

    def position(self, workspace_id: str) -> int:
        """The position of the workspace's last event."""
        path = f"/events?workspace_id={workspace_id}&limit=1"
        head: int = made(self.get(path))["head"]
        return head

    def delete_with(self, path: str, body: Json, **more: Any) -> httpx2.Response:
        """DELETE with a JSON body, which `delete` does not take."""
        return self.request("DELETE", path, json=body, **more)


def new_email(name: str = "ada") -> str:
    return f"{name.lower()}.{secrets.token_hex(6)}@example.org"


def new_id() -> str:
    """An id that nothing has."""
    return str(uuid.UUID(int=secrets.randbits(128), version=4))


def from_(address: str) -> dict[str, str]:
    """What a proxy says of who calls."""
    return {"x-forwarded-for": address}


def made(reply: httpx2.Response) -> Any:
    """The body of a reply that has to be a success."""
    assert reply.is_success, f"{reply.status_code} {reply.text}"
    return reply.json()


def _field(field: Json | str) -> Json:
    return {"name": field, "type": "text"} if isinstance(field, str) else field


@dataclass
class Server:
    """A server that listens in a thread of this process."""

    url: str
    cms_url: str
    system: System
    doors: Doors
    loop: asyncio.AbstractEventLoop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine, run on the server's own loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)


@contextmanager
def running_server(settings: Settings, database: DatabaseUrls) -> Iterator[Server]:
    """Every door on a free port of its own, wired as `tabellion serve` wires them."""
    system = build(settings, database)
    metrics = Metrics()
    metrics.watch(system)
    access = AccessLog(system)
    doors = Doors.of(system, metrics, access)
    servers = [
        DoorServer(server_config(application, settings, 0, drain=5))
        for application in doors.by_port(settings).values()
    ]
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await system.start()
        access.start()
        try:
            await asyncio.gather(*(one.serve() for one in servers))
        finally:
            await doors.close()
            await access.stop()
            await system.stop()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        urls = [_url(one, thread) for one in servers]
        url, cms_url = urls[0] + settings.mount("pybase"), urls[-1]
        yield Server(url, cms_url + settings.mount("cms"), system, doors, loop)
    finally:
        for one in servers:
            one.should_exit = True
        thread.join(30)


def _url(server: uvicorn.Server, thread: threading.Thread) -> str:
    """Where a server listens, as soon as it does."""
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    host, port = server.servers[0].sockets[0].getsockname()
    return f"http://{host}:{port}"
