"""The workspace's events."""

from api.pybase import feed, schemas
from api.pybase.routes.rows import (
    read,
)
from api.routes import Route


def feed_rows() -> list[Route]:
    query = (
        ("workspace_id", "string", "The workspace"),
        ("after", "integer", "The position to go on from; 0 unless told"),
        ("limit", "integer", "Events on a page, 1 to 1,000; 500 unless told"),
        ("types", "string", "Names such as record.*, by commas"),
        ("table_id", "string", "Only what concerns this table"),
    )
    return [
        read(
            "/events",
            "The workspace's events",
            feed.list_events,
            "events",
            schemas.EVENTS,
            query=query,
        )
    ]
