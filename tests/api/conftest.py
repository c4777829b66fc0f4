"""What tests of the surfaces share: what happened since a position, a wide table."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from commands.embedded import DatabaseUrls
from commands.settings import Settings
from tests.client import Client, Json, Server, running_server


@pytest.fixture
def happened(
    recorded_events: Callable[..., list[Json]],
) -> Callable[..., list[tuple[str, Any]]]:
    """`happened(workspace_id, after)`: (type, data) of each event since a position."""

    def happened(workspace_id: str, after: int = 0) -> list[tuple[str, Any]]:
        events = recorded_events(workspace_id, after)
        return [(one["type"], one["data"]) for one in events]

    return happened


@pytest.fixture(scope="module")
def limited(settings: Settings, database: DatabaseUrls) -> Iterator[Server]:
    """A server with limits on; a proxy on this machine says who calls."""
    changed = {"rate_limits": True, "trusted_proxies": ("127.0.0.1/32",)}
    with running_server(settings.model_copy(update=changed), database) as server:
        yield server


@pytest.fixture
def things(client: Client) -> Json:
    """A table of its own workspace with text, numbers, a tick, days and a choice."""
    return _wide_table(client)


@pytest.fixture(scope="module")
def kept_things(client: Client) -> Json:
    """The same for all tests of a file whose requests are refused, or only ask."""
    return _wide_table(client)


@pytest.fixture(scope="module")
def kept_base(client: Client) -> str:
    """A base for the tables of a file's tests to which the rest of it is nothing."""
    base_id: str = client.base()["id"]
    return base_id


def _wide_table(client: Client) -> Json:
    choices = [{"name": "Open", "color": "red"}, {"name": "Closed", "color": "grey"}]
    return client.table(
        {"name": "Name", "type": "text"},
        {"name": "Notes", "type": "long_text"},
        {"name": "Price", "type": "number"},
        {"name": "In Stock", "type": "checkbox"},
        {"name": "Day", "type": "date"},
        {"name": "At", "type": "datetime"},
        {"name": "Status", "type": "single_select", "options": {"choices": choices}},
        {"name": "No", "type": "autonumber"},
    )
