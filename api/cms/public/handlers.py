"""The public API: entries that anybody may read, and what their readers need not fetch
again.

A reply hangs on what was written last to the tables that it shows and to the catalogue:
that position is its `ETag`.  Each request asks the database for it, together with
whoever else asks just now, and what was not written since is sent from memory, or not
at all where the client has it.  So a reply is never older than the request.

    site      whose the slug is                   projections/published/sites.py
    watch     the position, as it is now          projections/published/watches.py
    kept      the reply from memory, if it is of that position and of this time
    made      else the rows, read and cleaned; who asks for the same meanwhile waits

Time alone can make an entry public: a reply that a `publish_date` has a say in is good
until the next one, and its tag names the last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias, TypeVar

import orjson

from api.cms import asked as asking
from api.cms.asked import Asked
from api.cms.public import bodies
from api.cms.public.bodies import NO_ENTRY
from api.cms.public.memory import Kept, Key, Medium, Memory, What
from api.cms.public.past import NO_TYPE, NO_WORKSPACE, Past
from api.cms.public.tags import ANYTHING, Claims, claims_of, holds
from api.files import content
from api.http import Reply, Request, Streamed
from commands.system import System, now, time_text
from domain.catalog import Catalog, Table
from domain.errors import NotFound
from domain.facts import File
from domain.ids import WorkspaceId, canonical
from projections.published import rules, statements
from projections.published.sites import Sites
from projections.published.watches import Watch, Watches, mark
from projections.reader import ANYBODY, Reader, Rows, Statement
from projections.records.content import public_fields

_NEVER = 2**62  # microseconds since the epoch
CACHED = "public, max-age=0, must-revalidate"

NO_MEDIUM = "Media not found"


T = TypeVar("T")
_Then: TypeAlias = "Callable[[WorkspaceId, Watch, Key], Awaitable[T]]"


class OtherSite(NotFound):
    """Workspace not found"""


@dataclass(slots=True)
class _Planned:
    catalog: Catalog
    table: Table | None
    marks: tuple[str, ...]
    position: int
    statements: list[Statement]


@dataclass(frozen=True, slots=True)
class _Flight:
    seen: int
    task: "asyncio.Task[Kept]"


class Public:
    """The handlers, and the replies that they remember."""

    def __init__(self, reader: Reader, past: Past, *, sanitize: bool) -> None:
        self._reader, self._past = reader, past
        self._sites, self._watches = Sites(reader), Watches(reader)
        self._memory = Memory()
        self._flights: dict[Key, _Flight] = {}
        self._clean = sanitize

    @classmethod
    def of(cls, system: System) -> Self:
        """As the settings say."""
        return cls(system.reader, Past(system), sanitize=system.settings.cms_sanitize)

    async def list_entries(self, _system: System, request: Request) -> Reply:
        asked = asking.read(request.query) if request.query_string else asking.FIRST
        return await self._answer(request, asked)

    async def get_entry(self, _system: System, request: Request) -> Reply:
        entry_id = canonical(request.path["entry_id"])
        return await self._answer(request, entry_id or "")

    async def get_medium(self, system: System, request: Request) -> Reply | Streamed:
        """The content of a file, while a public entry names it in a public field."""
        path = request.path
        file_id = canonical(path["file_id"])
        if file_id is None:
            raise NotFound(NO_MEDIUM)
        key = path["workspace_slug"], "", Medium(file_id)
        kept = await self._at_site(request, key, self._present)
        if not kept.body:
            raise NotFound(NO_MEDIUM)
        one = File(*orjson.loads(kept.body))
        return content(system, request, one, {"cache-control": CACHED})

    # ------------------------------------------------------------------ answering

    async def _answer(self, request: Request, what: Asked | str) -> Reply:
        path, claims = request.path, claims_of(request)
        key = path["workspace_slug"], path["object_type_slug"], what
        if request.query_string and request.query.get("as_of"):
            return await self._as_of(request, key, what)

        async def answer(site: WorkspaceId, watch: Watch, key: Key) -> Reply:
            if claims:
                await self._learn(site, watch, claims)
            kept = self._good(key, watch)
            if kept is None and claims and claims is not ANYTHING:
                position = await self._position_of_list(site, watch, key)
                turned = self._turned(None)
                if position and holds(claims, position, turned, watch.seq):
                    return _reply(304, f"p{position}{turned}")
            if kept is None:
                kept = await self._shared(site, watch, key)
            position = min(kept.position, watch.position(kept.marks))
            if holds(claims, position, kept.turned, watch.seq):
                return _reply(304, kept.tag)
            return _reply(200, kept.tag, kept.body)

        return await self._at_site(request, key, answer)

    async def _as_of(self, request: Request, key: Key, what: Asked | str) -> Reply:
        """As it was; nobody keeps it, for what it may show changes with the present."""
        text = request.query["as_of"]

        async def answer(site: WorkspaceId, _watch: Watch, key: Key) -> Reply:
            def plan(catalog: Catalog) -> Sequence[Statement]:
                _check_site(catalog, key)
                return ()

            present = (await self._reader.ask(ANYBODY, site, plan)).catalog
            then, both, rows = await self._past.read(site, text, key[1], present, what)
            told = bodies.Told(
                both.then, both.table, both.fields, lambda _, field: both.related(field)
            )
            body = await bodies.body(told, what, rows, clean=self._clean)
            return Reply(200, body, {"x-position": str(then.position)})

        return await self._at_site(request, key, answer)

    async def _present(self, site: WorkspaceId, watch: Watch, key: Key) -> Kept:
        return self._good(key, watch) or await self._shared(site, watch, key)

    async def _at_site(self, request: Request, key: Key, then: "_Then[T]") -> T:
        """What `then` gives for the workspace that has the slug now.

        Raises NotFound where none has, and what `then` raises.
        """
        site = self._sites.known(key[0])
        while True:
            fresh = site is None
            site = site or await self._sites.find(key[0])
            if site is None:
                raise NotFound(NO_WORKSPACE)
            try:
                return await then(site, await self._watched(request, site), key)
            except OtherSite:
                if fresh:
                    raise
                site = None

    async def _watched(self, request: Request, site: WorkspaceId) -> Watch:
        if request.min_position is not None:
            await self._reader.ask(
                ANYBODY, site, _nothing, min_position=request.min_position
            )
        watch = await self._watches.of(site)
        if watch is None:
            raise OtherSite()
        return watch

    def _good(self, key: Key, watch: Watch) -> Kept | None:
        kept = self._memory.get(key)
        if kept is None or kept.catalog_seq != watch.catalog_seq:
            return None
        if kept.until != _NEVER and kept.until <= _microseconds(now()):
            return None
        if kept.seen != watch.seq:
            if watch.position(kept.marks) > kept.position:
                return None
            kept.seen = watch.seq
        return kept

    async def _learn(self, site: WorkspaceId, watch: Watch, claims: Claims) -> None:
        """What was written behind what the client has, where that is older than what
        this process knows of."""
        oldest = min(position for _, position in claims)
        if watch.catalog_seq <= oldest < watch.floor:
            await self._watches.look_back(site, oldest)

    async def _position_of_list(
        self, site: WorkspaceId, watch: Watch, key: Key
    ) -> int | None:
        """That of a list that no time changes, without a look at its rows; None for
        anything else.  Whether an entry is there, rows know."""
        catalog, what = self._reader.catalogs.get(site), key[2]
        if not isinstance(what, Asked):
            return None
        if catalog is None or catalog.seq != watch.catalog_seq:
            catalog = await self._reader.load(site)
        if catalog is None or catalog.seq != watch.catalog_seq:
            return None
        table = _table(catalog, key)
        statements.sort_of(table, what.sort, descending=what.descending)
        tables = rules.scope(catalog, table)
        if any(rules.publish_date(one) is not None for one in tables):
            return None
        return watch.position(map(mark, tables))

    def _turned(self, last: int | None) -> str:
        """What a tag has behind its position."""
        by_time = "" if last is None else f"-{last}"
        return f"{by_time}{'' if self._clean else '-raw'}"

    # --------------------------------------------------------------------- making

    async def _shared(self, site: WorkspaceId, watch: Watch, key: Key) -> Kept:
        """The reply as it is made, for all who ask while it is."""
        flight = self._flights.get(key)
        # one that was begun before we asked may be older than what we know of
        if flight is None or flight.seen < watch.seq:
            task = asyncio.create_task(self._make(site, watch, key))
            flight = self._flights[key] = _Flight(watch.seq, task)
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight.task)

    def _landed(self, key: Key, task: "asyncio.Task[Kept]") -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        if not task.cancelled() and task.exception() is None:
            self._memory.keep(key, task.result())

    async def _make(self, site: WorkspaceId, watch: Watch, key: Key) -> Kept:
        seen, moment = watch.seq, now()
        planned: _Planned | None = None

        def plan(catalog: Catalog) -> list[Statement]:
            nonlocal planned
            planned = self._plan(catalog, watch, key, time_text(moment))
            return planned.statements

        found = await self._reader.ask(ANYBODY, site, plan)
        assert planned is not None
        turned, until = None, _NEVER
        if len(found.results) > 1:
            turned, next_one = found.results[1][0]
            until = next_one or _NEVER
        body = await self._body(planned, key[2], found.results[0])
        return Kept(
            seen,
            planned.catalog.seq,
            planned.marks,
            planned.position,
            until,
            self._turned(turned),
            body,
        )

    def _plan(self, catalog: Catalog, watch: Watch, key: Key, at: str) -> _Planned:
        """Raises NotFound, Malformed."""
        what, table = key[2], None
        if isinstance(what, Medium):
            _check_site(catalog, key)
            tables = rules.showing_media(catalog)
            wanted = [statements.medium(catalog, what.file_id, at)]
        else:
            table = _table(catalog, key)
            tables = rules.scope(catalog, table)
            wanted = [_wanted(catalog, table, what, at)]
        turns = statements.turns(catalog, tables, at)
        if turns is not None:
            wanted.append(turns)
        marks = tuple(map(mark, tables))
        position = max(watch.position(marks), catalog.seq)
        return _Planned(catalog, table, marks, position, wanted)

    async def _body(self, planned: _Planned, what: What, rows: Rows) -> bytes:
        table = planned.table
        if table is None or isinstance(what, Medium):
            return orjson.dumps(rows[0]) if rows else b""
        fields = public_fields(table)
        told = bodies.Told(planned.catalog, table, fields, rules.related)
        return await bodies.body(told, what, rows, clean=self._clean)


def _reply(status: int, tag: str, body: bytes = b"") -> Reply:
    return Reply(status, body, {"etag": f'W/"{tag}"', "cache-control": CACHED})


def _nothing(_catalog: Catalog) -> Sequence[Statement]:
    return ()


def _wanted(catalog: Catalog, table: Table, what: Asked | str, at: str) -> Statement:
    """Raises NotFound, Malformed."""
    if isinstance(what, Asked):
        sort = statements.sort_of(table, what.sort, descending=what.descending)
        return statements.page(catalog, table, sort, at, what.limit, what.offset)
    if not what:
        raise NotFound(NO_ENTRY)
    return statements.one(catalog, table, what, at)


def _check_site(catalog: Catalog, key: Key) -> None:
    """Raises OtherSite, NotFound."""
    workspace = catalog.workspace
    if workspace is None or workspace.deleted or workspace.slug != key[0]:
        raise OtherSite()
    if not rules.is_active(workspace):
        raise NotFound(NO_WORKSPACE)


def _table(catalog: Catalog, key: Key) -> Table:
    """Raises OtherSite, NotFound."""
    _check_site(catalog, key)
    table = rules.find_public(catalog, key[1])
    if table is None:
        raise NotFound(NO_TYPE)
    return table


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)
