"""The workspace's events."""

from api.pybase import feed, schemas
from api.pybase.routes.rows import ID, SIZE, read
from api.routes import Parameter, Route

POSITION = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


def feed_rows() -> list[Route]:
    query: tuple[Parameter, ...] = (
        ("workspace_id", ID, "The workspace"),
        ("after", POSITION, "The position to go on from; 0 unless told"),
        ("limit", SIZE, "Events on a page, 1 to 1,000; 500 unless told"),
        (
            "types",
            {"type": "string", "pattern": feed.TYPES},
            "Names such as record.*, by commas",
        ),
        ("table_id", ID, "Only what concerns this table"),
    )
    return [
        read(
            "/events",
            "The workspace's events",
            feed.list_events,
            "events",
            schemas.EVENTS,
            query=query,
            needs=("workspace_id",),
        )
    ]
