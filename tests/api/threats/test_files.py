"""Rows 78, 82 and 83: uploads that are none, files that would run, ranges."""

import http.client
from contextlib import closing

import pytest

from tests.client import Client, made

SCRIPT = b"<script>alert(document.domain)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
BOUNDARY = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def desk(server):
    """(who uploads, the workspace)"""
    with Client(server.url) as caller:
        yield caller.register("Grace"), caller.workspace()["id"]


def form(disposition, content=b"x", type=b"text/plain", more=b""):
    head = b"--b\r\nContent-Disposition: form-data; " + disposition
    return (
        head
        + b"\r\nContent-Type: "
        + type
        + more
        + b"\r\n\r\n"
        + content
        + b"\r\n--b--\r\n"
    )


def files(settings):
    return sorted(settings.data_dir.glob("files/*/*"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(b'name="file"; filename="a"', b""), 400),
        (form(b'name="file"; filename="a\x00.pdf"'), 422),
        (form(b'name="file"; filename="' + b"a" * 5_000 + b'"'), 400),
        (form(b'name="file"; filename="' + b"a" * 9_000 + b'"'), 400),
        (form(b'name="file"', more=b"\r\nx: " + b"y" * 9_000), 400),
        (form(b'name="file"', more=b"\r\nx: y" * 5_000), 400),
        (b"".join(form(b'name="n%d"' % n)[:-7] for n in range(100)), 400),
        (form(b'name="file"')[:-7] + form(b'name="file"'), 422),
        (form(b'name="file"')[:-12], 400),
        (b"--b" * 10_000, 422),
    ],
)
def test_threat_78_a_form_that_is_none(attack, desk, settings, body, status):
    caller, workspace_id = desk
    before = files(settings)

    attack(
        caller,
        "POST",
        f"/attachments?workspace_id={workspace_id}",
        expect=status,
        content=body,
        headers={"content-type": BOUNDARY},
    )

    assert files(settings) == before


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 415),
        ("multipart/mixed; boundary=b", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=" + "b" * 5_000, 400),
    ],
)
def test_threat_78_a_body_of_another_kind(attack, desk, kind, status):
    caller, workspace_id = desk
    attack(
        caller,
        "POST",
        f"/attachments?workspace_id={workspace_id}",
        expect=status,
        content=form(b'name="file"; filename="a"'),
        headers={"content-type": kind},
    )


def test_threat_78_a_length_that_is_too_large_is_refused_before_it_comes(
    server, desk, settings
):
    caller, workspace_id = desk
    with closing(http.client.HTTPConnection(caller.base_url.netloc.decode())) as raw:
        raw.putrequest("POST", f"/api/v1/attachments?workspace_id={workspace_id}")
        raw.putheader("authorization", caller.headers["authorization"])
        raw.putheader("content-type", BOUNDARY)
        raw.putheader("content-length", str(10 * 2**30))
        raw.endheaders()
        assert raw.getresponse().status == 413


@pytest.mark.parametrize(
    "name",
    ["../../a.pdf", "/etc/passwd", "..\\\\..\\\\a", "invoice\u202efdp.exe", "CON"],
)
def test_threat_78_a_name_leads_nowhere(desk, settings, name):
    caller, workspace_id = desk
    body = form(b'name="file"; filename="' + name.encode() + b'"', name.encode())
    reply = caller.post(
        "/attachments",
        params={"workspace_id": workspace_id},
        content=body,
        headers={"content-type": BOUNDARY},
    )

    one = made(reply)
    assert not set(one["name"]) & set("/\\\u202e")
    assert [path.name for path in files(settings) if path.name == one["sha256"]]
    said = caller.get(f"/attachments/{one['id']}/content").headers
    assert "/" not in said["content-disposition"].replace("UTF-8''", "")


@pytest.mark.parametrize(
    ("name", "declared", "content"),
    [
        ("a.html", "text/html", SCRIPT),
        ("a.png", "text/html;image/png", SCRIPT),
        ("a.png", "image/png", SCRIPT),
        ("a.svg", "image/svg+xml", SVG),
        ("a.png", "image/png", SVG),
        ("a.xht", "application/xhtml+xml", SCRIPT),
        ("a.js", "application/javascript", b"alert(1)"),
        ("a.pdf", "application/pdf", SCRIPT),
        ("a", "text/html x", SCRIPT),
        ("a", "multipart/x-mixed-replace", SCRIPT),
    ],
)
def test_threat_82_a_file_is_saved_and_never_run(desk, name, declared, content):
    caller, workspace_id = desk
    one = caller.upload(workspace_id, content, name, declared)

    reply = caller.get(f"/attachments/{one['id']}/content")

    assert reply.content == content
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-disposition"].startswith("attachment;")
    assert reply.headers["content-security-policy"] == (
        "sandbox; default-src 'none'; frame-ancestors 'none'"
    )
    assert reply.headers["cache-control"] == "no-store"


def test_threat_82_a_name_adds_no_header(desk):
    caller, workspace_id = desk
    for name in (b"a%0d%0aset-cookie: x=y", b'a\\"; filename=b.html', b"a;b=c"):
        body = form(b'name="file"; filename="' + name + b'"')
        reply = caller.post(
            "/attachments",
            params={"workspace_id": workspace_id},
            content=body,
            headers={"content-type": BOUNDARY},
        )
        said = caller.get(f"/attachments/{made(reply)['id']}/content").headers
        assert "set-cookie" not in said
        assert said["content-disposition"].count(";") == 2
        assert said["content-disposition"].count('"') == 2


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=" + ",".join(["0-"] * 10_000),
        "bytes=0-0,1-1",
        "bytes=99999999999999999999-",
        "bytes=--1",
        "bytes=0-" + "9" * 5_000,
    ],
)
def test_threat_83_ranges_count_for_nothing(attack, desk, asked):
    caller, workspace_id = desk
    one = caller.upload(workspace_id, b"0123456789")

    reply = attack(
        caller,
        "GET",
        f"/attachments/{one['id']}/content",
        expect=(200, 400, 431),
        headers={"range": asked},
    )

    if reply.status_code == 200:
        assert reply.content == b"0123456789"
