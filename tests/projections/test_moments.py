"""Moments: a time stands for the last position that was recorded by then."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from commands.system import System
from domain.errors import Invalid, Malformed, NotFound
from domain.ids import WorkspaceId
from projections import log
from projections.moments import find, found, read_moment
from projections.reader import Caller, Reader
from tests.commands.tenant import Tenant


async def position_at(
    reader: Reader,
    caller: Caller,
    workspace_id: WorkspaceId,
    text: str,
    *,
    name: str = "as_of",
    min_position: int | None = None,
) -> int:
    """The position that a client's moment stands for."""
    moment = read_moment(text, name)
    asked = await reader.ask(
        caller,
        workspace_id,
        lambda _: [find(workspace_id, moment)],
        min_position=min_position,
    )
    return found(moment, asked.results[0])


@pytest.fixture
def caller(tenant: Tenant) -> Caller:
    return Caller(tenant.user_id, tenant.session())


def times(tenant: Tenant) -> list[datetime]:
    """When each event was recorded, by position."""
    with psycopg.connect(tenant.database.app) as connection:
        log.see(connection, tenant.workspace_id)
        pages = list(log.read(connection, tenant.workspace_id))
    return [datetime.fromisoformat(one.recorded_at) for page in pages for one in page]


@pytest.mark.anyio
async def test_a_time_is_the_last_position_recorded_by_then(
    system: System, caller: Caller, tenant: Tenant
):
    table = tenant.table("name")
    for number in range(7):
        tenant.create(table, {"name": str(number)})
    recorded = times(tenant)
    tick = timedelta(microseconds=1)
    asked = {at + step for at in recorded for step in (-tick, 0 * tick, tick)}

    for at in sorted(asked):
        if at > datetime.now(UTC):  # noqa: TID251 - compared with the database's own
            continue
        text = at.isoformat()
        position = await position_at(system.reader, caller, tenant.workspace_id, text)
        assert position == sum(one <= at for one in recorded)


@pytest.mark.anyio
async def test_before_the_first_event_is_position_0(
    system: System, caller: Caller, tenant: Tenant
):
    position = await position_at(
        system.reader, caller, tenant.workspace_id, "1999-12-31T23:59:59-05:00"
    )

    assert position == 0


@pytest.mark.anyio
async def test_a_position_is_itself_as_far_as_the_head(
    system: System, caller: Caller, tenant: Tenant
):
    tenant.table("name")
    head = len(times(tenant))

    async def at(text: str) -> int:
        return await position_at(system.reader, caller, tenant.workspace_id, text)

    assert [await at("0"), await at("1"), await at(str(head))] == [0, 1, head]
    with pytest.raises(Malformed):
        await at(str(head + 1))


@pytest.mark.anyio
async def test_a_time_to_come_is_refused(
    system: System, caller: Caller, tenant: Tenant
):
    with pytest.raises(Malformed):
        await position_at(
            system.reader, caller, tenant.workspace_id, "2999-01-01T00:00:00Z"
        )


@pytest.mark.anyio
async def test_another_tenants_moments_are_not_found(system: System, tenant: Tenant):
    nobody = Caller("00000000-0000-7000-8000-00000000000f", tenant.session())
    with pytest.raises(NotFound):
        await position_at(system.reader, nobody, tenant.workspace_id, "1")


def test_a_plus_that_nobody_escaped_is_understood():
    escaped = read_moment("2024-01-31T10:00:00+02:00", "as_of")

    assert read_moment("2024-01-31T10:00:00 02:00", "as_of") == escaped
    assert escaped.at == datetime(2024, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "-1", "1.5", "now", "2024-01-31", "2024-13-01T00:00:00Z", "9" * 19]
)
def test_what_is_no_moment_is_refused(text: str):
    with pytest.raises(Invalid):
        read_moment(text, "as_of")
