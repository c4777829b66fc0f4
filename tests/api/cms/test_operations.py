"""What operators look at, and what is at no path."""

import httpx2


def test_it_has_a_port_of_its_own(server):
    reply = httpx2.get(f"{server.cms_url}/health", trust_env=False)

    assert server.cms_url != server.url
    assert (reply.status_code, reply.json()["status"]) == (200, "ok")


def test_an_unknown_path_is_told_in_its_own_words(server):
    reply = httpx2.get(f"{server.cms_url}/nowhere", trust_env=False)

    assert reply.json() == {
        "statusCode": 404,
        "message": "There is no such path",
        "error": "Not Found",
        "code": "NOT_FOUND",
    }
