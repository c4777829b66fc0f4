"""What was finished long ago goes, a little at a time."""

from workers.loops import Connection

AT_ONCE = 500  # deliveries, with their contents and attempts


async def tidy(connection: Connection, keeps: float) -> bool:
    """Deletes some of what was finished before so many seconds; whether that is all."""
    deleted = await connection.execute(_DELETE, [keeps, AT_ONCE])
    return deleted.rowcount < AT_ONCE


# by deliveries_finished
_DELETE = """
    DELETE FROM hooks.deliveries
    WHERE id IN (
        SELECT id FROM hooks.deliveries
        WHERE state <> 'waiting'
          AND finished_at < clock_timestamp() - %s::float8 * interval '1 second'
        ORDER BY finished_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
