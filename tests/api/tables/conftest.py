"""What tests of Table REST share: callers of its path, and the document's tables."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.client import NOBODY, Client, Json, Server, made

NUMBERS = ("temperature_celsius", "humidity_percent")
FORECAST: list[Json] = [
    {"city": city, "date": day, "weather_condition": sky}
    | dict(zip(NUMBERS, numbers, strict=True))
    for city, day, sky, *numbers in (
        ("Brussels", "2024-01-01", "Sunny", 15, 80),
        ("Brussels", "2024-01-02", "Rainy", 25, 40),
        ("brussels", "2024-01-03", "Rainy", 9.5, 90),
        ("Bruges", "2024-01-04", None, None, 50),
        ("Ghent", None, "Cloudy", 20, None),
        ("100%_Ghent", "2024-01-06", "Sunny", -5, 10),
    )
]


class Rest(httpx2.Client):
    """Calls the path of one table."""

    def __init__(self, url: str, path: str, token: str | None = None) -> None:
        super().__init__(base_url=url, timeout=30, trust_env=False, verify=NOBODY)
        self.path = path
        if token is not None:
            self.headers["authorization"] = f"Bearer {token}"

    def ask(self, query: Any = None, **more: Any) -> httpx2.Response:
        return self.get(self.path, params=query, **more)

    def body(self, query: Any = None) -> Json:
        found: Json = made(self.ask(query))
        return found

    def column(self, name: str, query: Any = None) -> list[Any]:
        return [row[name] for row in self.body(query)["data"]]

    def lines(self, query: Any = None) -> list[list[str]]:
        reply = self.ask(query)
        assert reply.status_code == 200, reply.text
        return list(csv.reader(io.StringIO(reply.text)))


def token_of(client: Client, workspace_id: str, **more: Any) -> str:
    path = f"/workspaces/{workspace_id}/tokens"
    token: str = made(client.post(path, json=more))["token"]
    return token


def path_to(client: Client, table: Json) -> str:
    """The URL's path of a table, by the names that PyBase shows."""
    workspace = made(client.get(f"/workspaces/{table['workspace_id']}"))["slug"]
    base = made(client.get(f"/bases/{table['base_id']}"))["db_name"]
    return f"/api/workspace/{workspace}/database/{base}/table/{table['slug']}/"


@pytest.fixture(scope="session")
def rest(server: Server) -> Iterator[Callable[[Client, Json], Rest]]:
    """`rest(client, table)`: the table's rows, by an access token of the client."""
    opened: list[Rest] = []

    def rest(client: Client, table: Json) -> Rest:
        token = token_of(client, table["workspace_id"])
        opened.append(Rest(server.url, path_to(client, table), token))
        return opened[-1]

    yield rest
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def teller(server: Server) -> Iterator[Client]:
    """Whose the document's tables are."""
    with Client(server.url) as client:
        yield client.register("Teller")


@pytest.fixture(scope="session")
def forecast(teller: Client, rest: Callable[[Client, Json], Rest]) -> Rest:
    """The document's `weather_forecast`."""
    table = teller.table(
        "city",
        *({"name": name, "type": "number"} for name in NUMBERS),
        "weather_condition",
        {"name": "date", "type": "date"},
        name="weather_forecast",
    )
    teller.records(table["id"], *FORECAST)
    return rest(teller, table)


@pytest.fixture(scope="session")
def users(teller: Client, rest: Callable[[Client, Json], Rest]) -> Rest:
    """The document's `users`: 60 of them."""
    table = teller.table(
        "name",
        "country",
        "status",
        {"name": "created_at", "type": "datetime"},
        name="users",
    )
    teller.records(
        table["id"],
        *(
            {
                "name": f"User {number:02}",
                "country": "Belgium" if number % 3 else "France",
                "status": "active" if number % 2 else "gone",
                "created_at": f"2024-01-15T10:30:{59 - number % 60:02}Z",
            }
            for number in range(1, 61)
        ),
    )
    return rest(teller, table)
