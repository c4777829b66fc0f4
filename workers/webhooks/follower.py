"""The follower that turns events into deliveries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from domain.catalog import Catalog
from domain.errors import Busy
from domain.ids import WorkspaceId
from domain.webhook import OUTGOING, WebhookReplayed, works
from projections.as_of.catalogs import Ask
from projections.log import Envelope
from projections.reader import Rows, Statement
from workers.deliveries import NewDelivery, add, stir
from workers.following import Connection, Page, Reached, Unavailable
from workers.webhooks.catalogs import Course, Courses, last_before, without_any
from workers.webhooks.happened import Surface
from workers.webhooks.records import stretches
from workers.webhooks.replaying import Replay, replayed
from workers.webhooks.telling import Stretch, Teller

NAME = "webhooks"  # the follower's
MOST_BYTES = 32 * 1024 * 1024  # that are told in one transaction, before it ends


class Webhooks:
    """Follows the feed into rows of deliveries."""

    name = NAME
    from_the_first = False

    def __init__(self, surfaces: Sequence[Surface]) -> None:
        self._courses = Courses()
        self._teller = Teller(surfaces, self._courses)

    async def prepare(self) -> None:
        """Nothing is needed but the database."""

    async def close(self) -> None:
        """Nothing is held."""

    async def passed_by(
        self, connection: Connection, workspaces: Sequence[WorkspaceId]
    ) -> Collection[WorkspaceId]:
        """Those that never had a webhook."""
        return await without_any(asking(connection), workspaces)

    async def follow(
        self, connection: Connection, pages: Sequence[Page]
    ) -> Mapping[WorkspaceId, Reached]:
        told = Told(connection)
        ask = asking(connection)
        befores = {one.workspace_id: one.events[0].seq - 1 for one in pages}
        lasts = await last_before(ask, befores)
        reached = {}
        for page in pages:
            if told.enough:
                break  # the rest is another transaction's
            upto = await self._page(ask, told, page, lasts[page.workspace_id])
            reached[page.workspace_id] = Reached(upto)
        await stir(connection, told.changed)  # the last of all
        return reached

    async def _page(self, ask: Ask, told: "Told", page: Page, last: int) -> int:
        """How far it came.  `last`: the last event of the catalogue before the page."""
        workspace_id = page.workspace_id
        try:
            course = await self._courses.of(ask, workspace_id, last, page.events)
            upto = page.events[0].seq - 1
            for some in stretches(page.events):
                if told.enough and upto >= page.events[0].seq:
                    break
                stretch = Stretch(workspace_id, some, course)
                await told.put(await self._teller.tell(ask, stretch))
                for one in some:
                    told.changed |= changed_by(one, course.after(one.seq))
                    if one.type == WebhookReplayed.TYPE:
                        await self._replay(ask, told, course, one)
                upto = some[-1].seq
            return upto
        except Busy as error:
            raise Unavailable(error.detail) from error

    async def _replay(
        self, ask: Ask, told: "Told", course: Course, one: Envelope
    ) -> None:
        event = one.recorded.event
        webhook = course.after(one.seq).webhooks.get(one.stream)  # type: ignore[call-overload]
        if not isinstance(event, WebhookReplayed) or webhook is None:
            return
        if webhook.kind != OUTGOING or webhook.deleted or not works(webhook):
            return
        replay = Replay(
            WorkspaceId(one.workspace_id),
            webhook,
            event.from_position,
            event.to_position,
            one.seq,
            event.only,
        )
        async for some in replayed(ask, self._teller, self._courses, replay):
            await told.put(some)


@dataclass
class Told:
    """What one transaction tells."""

    connection: Connection
    size: int = 0  # in bytes
    changed: dict[str, bool] = field(default_factory=dict)  # by webhook: `changed_by`

    @property
    def enough(self) -> bool:
        return self.size >= MOST_BYTES

    async def put(self, rows: Sequence[NewDelivery]) -> None:
        if rows:
            await add(self.connection, rows)
            self.size += sum(len(one.body) for one in rows)


def changed_by(one: Envelope, catalog: Catalog) -> dict[str, bool]:
    """The webhooks that an event changes, or that come or go with what it does; and
    whether each is over then, so that nothing more is to be sent for it."""
    if one.type not in _COME_AND_GO and not one.type.startswith("webhook."):
        return {}
    live = {webhook.id for webhook in catalog.live_webhooks if works(webhook)}
    own = one.stream == one.workspace_id
    return {
        webhook.id: webhook.id not in live
        for webhook in catalog.webhooks.values()
        if own or one.stream in (webhook.id, webhook.table_id)
    }


_COME_AND_GO = frozenset(
    f"{noun}.{word}"
    for noun in ("table", "workspace")
    for word in ("deleted", "restored")
)


def asking(connection: Connection) -> Ask:
    """Statements through a follower's own transaction."""

    async def ask(statements: Sequence[Statement]) -> Sequence[Rows]:
        found = []
        for statement, values in statements:
            # what is put together for a few records is prepared for nobody
            cursor = await connection.execute(
                statement, values, prepare=isinstance(statement, bytes)
            )
            found.append(await cursor.fetchall())
        return found

    return ask
