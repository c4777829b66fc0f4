"""Every surface on one port, each below its prefix."""

import httpx2
import pytest

from tests.api.cms.client import CmsClient
from tests.api.tables.conftest import path_to, token_of
from tests.client import NOBODY, PASSWORD, Client, made, running_server


@pytest.fixture(scope="module")
def single(settings, database):
    changed = settings.model_copy(update={"single_port": True})
    with running_server(changed, database) as server:
        yield server


@pytest.fixture(scope="module")
def root(single):
    """A caller of the port itself."""
    url = single.url.removesuffix("/pybase")
    with httpx2.Client(base_url=url, trust_env=False, verify=NOBODY) as root:
        yield root


@pytest.fixture(scope="module")
def ada(single):
    with Client(single.url) as client:
        yield client.register("Ada")


def test_the_surfaces_share_an_origin(single):
    assert single.url.rpartition("/")[0] == single.cms_url.rpartition("/")[0]
    assert (single.url.rpartition("/")[2], single.cms_url.rpartition("/")[2]) == (
        "pybase",
        "cms",
    )


def test_a_row_is_read_through_each(single, root, ada):
    table = ada.table("Name")
    ada.record(table["id"], Name="Ada")
    token = token_of(ada, table["workspace_id"])
    headers = {"authorization": f"Bearer {token}"}

    rows = made(root.get(f"/tables{path_to(ada, table)}", headers=headers))

    assert [row["name"] for row in rows["data"]] == ["Ada"]
    with CmsClient(single.cms_url) as cms:
        cms.login(ada.user["email"])
        profile = made(cms.get("/users/profile"))
    assert profile["id"] == ada.user["id"]
    assert profile["workspace_id"] == table["workspace_id"]


def test_each_answers_in_its_own_shape(root):
    assert root.get("/pybase/nowhere").json() == {
        "detail": "There is no such path",
        "code": "NOT_FOUND",
    }
    assert set(root.get("/cms/nowhere").json()) == {
        "statusCode",
        "message",
        "error",
        "code",
    }
    assert set(root.get("/tables/api/workspace/x").json()) == {"error", "detail"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/workspaces",
        "/api/workspace/a/database/b/table/c/",
        "/users/profile",
        "/openapi.json",
        "/docs",
        "/pybases",
        "/pybase/cms/health",
        "/cms/pybase/api/v1/health",
        "/tables/api/v1/health",
        "//cms/health",
        "/nowhere",
    ],
)
def test_without_its_prefix_nothing_is_there(root, path):
    assert root.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/health", "/api/v1/ready"])
def test_what_programs_look_at_needs_no_prefix(root, path):
    assert root.get(path).status_code == 200


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ("/pybase/openapi.json", "/api/v1/health"),
        ("/cms/openapi.json", "/health"),
    ],
)
def test_a_document_says_where_its_paths_are(root, document, operation):
    found = made(root.get(document))
    (server,) = found["servers"]

    assert document == f"{server['url']}/openapi.json"
    assert operation in found["paths"]
    assert root.get(server["url"] + operation).status_code == 200


def test_the_rows_document_says_so_too(root):
    found = made(root.get("/tables/api/workspace/openapi.json"))

    assert found["servers"] == [{"url": "/tables"}]
    assert all(path.startswith("/api/workspace/") for path in found["paths"])


@pytest.mark.parametrize("mount", ["/pybase", "/cms"])
def test_a_page_loads_what_is_below_its_prefix(root, mount):
    page = root.get(f"{mount}/docs")

    assert page.status_code == 200
    assert f"'{mount}/openapi.json'" in page.text
    assert root.get(f"{mount}/docs/static/swagger-ui.css").status_code == 200


def test_the_front_page_leads_to_the_documents(root):
    reply = root.get("/")

    assert reply.headers["location"] == "/pybase/docs"
    assert root.get("/cms").status_code == 200


def test_a_session_is_sent_to_the_rows_alone(root, ada):
    body = {"email": ada.user["email"], "password": PASSWORD}
    reply = root.post("/pybase/api/v1/auth/login", json=body)

    assert "Path=/tables/api/workspace;" in reply.headers["set-cookie"]
