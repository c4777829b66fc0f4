"""Alive, ready, measured, documented."""

import re

import pytest

from tests.client import Client

PUBLIC = ["/health", "/ready", "/info", "/metrics"]


@pytest.mark.parametrize("path", PUBLIC)
def test_nobody_in_particular_may_ask(anonymous, path):
    assert anonymous.get(path).status_code == 200


@pytest.mark.parametrize("path", PUBLIC)
def test_a_bad_token_does_not_matter(anonymous, path):
    headers = {"authorization": "Bearer nonsense"}

    assert anonymous.get(path, headers=headers).status_code == 200


def test_health_says_that_it_is_alive(anonymous):
    body = anonymous.get("/health").json()

    assert set(body) == {"status", "environment", "version"}
    assert (body["status"], body["environment"]) == ("healthy", "development")
    assert re.fullmatch(r"\d+\.\d+\.\d+", body["version"])


def test_ready_says_that_the_database_answers(anonymous):
    assert anonymous.get("/ready").json() == {
        "status": "ready",
        "database": "connected",
    }


def values(text, name):
    """{labels: value} of one metric."""
    found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_metrics_count_what_was_done(client, anonymous):
    def total(name):
        return sum(values(anonymous.get("/metrics").text, name).values())

    table = client.table("Name")
    requests, events = (
        total("tabellion_requests_total"),
        total("tabellion_events_total"),
    )
    commits = total("tabellion_commits_total")
    client.records(table["id"], *[{} for _ in range(10)])

    assert total("tabellion_requests_total") >= requests + 1
    assert total("tabellion_events_total") == events + 10
    assert total("tabellion_commits_total") == commits + 1


def test_metrics_are_in_the_format_of_prometheus(anonymous):
    reply = anonymous.get("/metrics")

    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    for name in (
        "tabellion_requests_total",
        "tabellion_commits_total",
        "tabellion_group_size_bucket",
        "tabellion_queue",
        "tabellion_outbox_backlog",
        "tabellion_seal_lag_seconds",
        "process_resident_memory_bytes",
    ):
        assert values(reply.text, name), name


def test_metrics_name_routes_and_never_ids_or_people(client, anonymous):
    table = client.table("Name")
    client.get(f"/tables/{table['id']}")
    anonymous.get("/nowhere/at/all")

    text = anonymous.get("/metrics").text

    assert 'route="/tables/{id}"' in text
    assert table["id"] not in text
    assert "nowhere" not in text
    assert client.user["email"] not in text


def test_metrics_are_at_the_root_too(server):
    with Client(server.url) as caller:
        reply = caller.get(server.url + "/metrics")

    assert reply.status_code == 200
    assert "tabellion_requests_total" in reply.text


def test_the_root_leads_to_the_documents(server):
    with Client(server.url) as caller:
        reply = caller.get(server.url + "/")

    assert (reply.status_code, reply.headers["location"]) == (307, "/docs")


def test_the_page_for_developers_needs_no_other_host(server):
    with Client(server.url) as caller:
        page = caller.get(server.url + "/docs")
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)

        assert page.status_code == 200
        assert links
        assert all(link.startswith("/") for link in links)
        assert [caller.get(server.url + link).status_code for link in links] == [
            200
        ] * len(links)


@pytest.mark.parametrize("path", ["/docs/static/../../../etc/passwd", "/docs/static/x"])
def test_the_pages_files_are_its_own(server, path):
    with Client(server.url) as caller:
        assert caller.get(server.url + path).status_code == 404
