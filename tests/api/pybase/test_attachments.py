"""Files: uploaded once, told about, sent back to be saved and never to be shown."""

import os
import threading
import time
from hashlib import sha256

import pytest

from commands.files import place_of, sweep
from tests.client import ABSENT, Client, made, new_id, running_server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def send(caller, content=b"content", name="a.bin", type="", *, headers=None, **query):
    return caller.post(
        "/attachments",
        params=query,
        files={"file": (name, content, type or "application/octet-stream")},
        headers=headers,
    )


def raw(caller, body, *, boundary="b", **query):
    kind = f"multipart/form-data; boundary={boundary}"
    return caller.post(
        "/attachments", params=query, content=body, headers={"content-type": kind}
    )


def part(disposition, content=b"x", type=b"text/plain"):
    return (
        b"--b\r\nContent-Disposition: form-data; "
        + disposition
        + b"\r\nContent-Type: "
        + type
        + b"\r\n\r\n"
        + content
        + b"\r\n--b--\r\n"
    )


def get(caller, one, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.get(f"/attachments/{one['id']}/content", headers=named)


@pytest.fixture
def acme(client):
    return client.workspace()["id"]


def contents(settings):
    return {one.name for one in settings.data_dir.glob("files/??/*")}


def on_the_way(settings):
    return list(settings.data_dir.glob("files/incoming/*"))


# ------------------------------------------------- who is nobody, or may not write


def test_nobody_uploads_or_downloads(anonymous):
    assert send(anonymous, workspace_id=ABSENT).status_code == 401
    assert anonymous.get(f"/attachments/{ABSENT}/content").status_code == 401


@pytest.mark.parametrize("role", ["viewer", "commenter"])
def test_who_only_reads_uploads_nothing_and_downloads(
    client, member, happened, settings, acme, role
):
    one = client.upload(acme, b"to be read")
    reader = member(acme, role)
    before, there = happened(acme), contents(settings)

    reply = send(reader, role.encode(), workspace_id=acme)

    assert (reply.status_code, reply.json()["code"]) == (403, "FORBIDDEN")
    assert happened(acme) == before
    assert contents(settings) == there
    assert get(reader, one).content == b"to be read"


def test_anothers_file_is_no_file(client, stranger, acme):
    one = client.upload(acme)

    for path in ("", "/content"):
        theirs = stranger.get(f"/attachments/{one['id']}{path}")
        nobodys = stranger.get(f"/attachments/{new_id()}{path}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()


def test_who_left_downloads_nothing_more(client, member, acme):
    one = client.upload(acme)
    editor = member(acme, "editor")
    assert get(editor, one).status_code == 200
    (found,) = [
        each
        for each in made(client.get(f"/workspaces/{acme}/members"))
        if each["user"]["id"] == editor.user["id"]
    ]

    client.delete(f"/workspaces/{acme}/members/{found['id']}")

    assert get(editor, one).status_code == 404


# ---------------------------------------------------------------- uploading


def test_a_file_is_uploaded_and_comes_back(client, happened, acme):
    before = client.position(acme)

    reply = send(client, PNG, "gear.png", "image/png", workspace_id=acme)

    one = reply.json()
    assert reply.status_code == 201
    assert one == {
        "id": one["id"],
        "name": "gear.png",
        "size": len(PNG),
        "type": "image/png",
        "url": f"/api/v1/attachments/{one['id']}/content",
        "sha256": sha256(PNG).hexdigest(),
        "workspace_id": acme,
        "created_by": client.user["id"],
        "created_at": one["created_at"],
    }
    assert reply.headers["x-position"] == str(before + 1)
    assert happened(acme, before) == [
        (
            "file.uploaded",
            {
                "name": "gear.png",
                "type": "image/png",
                "size": len(PNG),
                "sha256": sha256(PNG).hexdigest(),
            },
        )
    ]
    assert made(client.get(f"/attachments/{one['id']}")) == one
    assert client.get(one["url"].removeprefix("/api/v1")).content == PNG


def test_a_workspace_is_named_in_the_form_or_by_a_table(client):
    table = client.table("Name")
    owner = table["workspace_id"]
    forms = [{"workspace_id": owner}, {"table_id": table["id"]}]

    replies = [
        *(client.post("/attachments", data=one, files={"file": b"x"}) for one in forms),
        send(client, table_id=table["id"]),
        send(client, table_id=table["id"], workspace_id=owner),
    ]

    assert [made(one)["workspace_id"] for one in replies] == [owner] * 4


def test_who_has_one_workspace_need_not_name_it(newcomer):
    assert send(newcomer).status_code == 422
    only = newcomer.workspace()["id"]
    assert made(send(newcomer))["workspace_id"] == only

    newcomer.workspace("Another")

    reply = send(newcomer)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["loc"] == ["workspace_id"]


def test_a_workspace_that_is_no_id_is_refused(client, happened, acme):
    before = happened(acme)

    for query in ({"workspace_id": ""}, {"workspace_id": "x"}, {"table_id": "x"}):
        assert send(client, **query).status_code == 400
    form = {"workspace_id": acme, "table_id": ""}
    reply = client.post("/attachments", data=form, files={"file": b"x"})

    assert reply.status_code == 201
    assert len(happened(acme)) == len(before) + 1


def test_a_table_of_another_workspace_is_refused(client, acme):
    table = client.table("Name")
    reply = send(client, workspace_id=acme, table_id=table["id"])
    assert reply.status_code == 422


def test_the_same_content_is_kept_once(client, settings, acme):
    there = contents(settings)

    one = client.upload(acme, b"the same twice", "a.txt")
    two = client.upload(acme, b"the same twice", "b.txt")

    assert one["id"] != two["id"]
    assert contents(settings) - there == {one["sha256"]} == {two["sha256"]}
    assert on_the_way(settings) == []
    assert get(client, one).content == get(client, two).content == b"the same twice"


def test_a_repetition_with_its_key_is_the_first_upload(client, happened, acme):
    key = {"idempotency-key": new_id()}
    before = client.position(acme)
    first = send(client, b"once", headers=key, workspace_id=acme)
    again = send(client, b"once", headers=key, workspace_id=acme)
    renamed = send(client, b"once", "b.bin", headers=key, workspace_id=acme)

    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert renamed.status_code == 422
    assert renamed.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert len(happened(acme, before)) == 1


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    client, settings, database, happened, acme
):
    small = settings.model_copy(update={"max_file_bytes": 1000})
    before, there = happened(acme), contents(settings)
    with running_server(small, database) as server, Client(server.url) as other:
        other.headers["authorization"] = client.headers["authorization"]
        fits = send(other, b"x" * 1000, workspace_id=acme)
        reply = send(other, b"x" * 1001, workspace_id=acme)

    assert fits.status_code == 201
    assert (reply.status_code, reply.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert reply.json()["limit"] == 1000
    assert len(happened(acme)) == len(before) + 1
    assert len(contents(settings) - there) == 1
    assert on_the_way(settings) == []


def test_types_can_be_limited(client, settings, database, acme):
    few = settings.model_copy(update={"file_types": ("image/*", ".csv")})
    with running_server(few, database) as server, Client(server.url) as other:
        other.headers["authorization"] = client.headers["authorization"]
        replies = [
            send(other, PNG, "a.png", workspace_id=acme),
            send(other, b"a,b", "a.CSV", "text/plain", workspace_id=acme),
            send(other, b"not one", "a.png", "image/png", workspace_id=acme),
            send(other, b"%PDF-1.7", "a.pdf", "image/png", workspace_id=acme),
        ]

    assert [one.status_code for one in replies] == [201, 201, 415, 415]
    assert replies[-1].json()["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    ("content", "name", "declared", "kept"),
    [
        (PNG, "a.txt", "text/html", "image/png"),
        (b"<svg/>", "a.png", "image/png", "application/octet-stream"),
        (b"a,b\n", "a.csv", "", "text/csv"),
        (b"a,b\n", "a.csv", "text/plain; charset=latin-1", "text/plain"),
        (b"<html>", "a.html", "text/html;image/png", "text/html"),
        (b"x", "a", "nonsense", "application/octet-stream"),
        (b"x", "a", "a/b/c", "application/octet-stream"),
    ],
)
def test_a_type_is_that_of_the_content(client, acme, content, name, declared, kept):
    assert (
        made(send(client, content, name, declared, workspace_id=acme))["type"] == kept
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (part(b'name="other"'), 422),
        (part(b'name="file"; filename="a"', b""), 400),
        (part(b'name="file"; filename=""', b""), 400),
        (part(b'name="file"; filename="' + b"a" * 256 + b'"'), 400),
        (part(b'name="file"; filename="a"')[:-10], 400),
        (part(b'name="file"; filename="a\x00b"'), 422),
        (part(b'name="file"; filename="\xff"'), 400),
        (b"--b\r\nnothing", 400),
        (b"", 400),
    ],
)
def test_what_is_no_upload_is_refused(client, happened, settings, acme, body, status):
    before, there = happened(acme), contents(settings)

    reply = raw(client, body, workspace_id=acme)

    assert reply.status_code == status, reply.text
    assert happened(acme) == before
    assert contents(settings) == there
    assert on_the_way(settings) == []


def test_json_is_no_upload(client, acme):
    reply = client.post("/attachments", params={"workspace_id": acme}, json={})
    assert reply.status_code == 415


def test_an_upload_that_is_broken_off_leaves_nothing(client, settings, happened, acme):
    before, there = happened(acme), contents(settings)
    sent = threading.Event()

    def body():
        yield part(b'name="file"; filename="a"', b"x" * 100_000)[:-10]
        sent.set()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        client.post(
            "/attachments",
            params={"workspace_id": acme},
            content=body(),
            headers={"content-type": "multipart/form-data; boundary=b"},
        )

    assert sent.is_set()
    deadline = time.monotonic() + 30
    while on_the_way(settings) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert on_the_way(settings) == []
    assert happened(acme) == before
    assert contents(settings) == there


@pytest.mark.parametrize("in_the_way", ["files", "files/incoming", "files/{}"])
def test_where_there_is_no_room_the_client_is_told_to_come_again(
    client, settings, database, happened, tmp_path, acme, in_the_way
):
    content = b"no room"
    place = tmp_path / in_the_way.format(sha256(content).hexdigest()[:2])
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"")
    before = happened(acme)
    elsewhere = settings.model_copy(update={"data_dir": tmp_path})
    with running_server(elsewhere, database) as server, Client(server.url) as other:
        other.headers["authorization"] = client.headers["authorization"]
        reply = send(other, content, workspace_id=acme)

    assert (reply.status_code, reply.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(reply.headers["retry-after"]) > 0
    assert happened(acme) == before
    assert list(tmp_path.glob("files/incoming/*")) == []


def test_what_a_dead_process_left_is_swept_when_it_is_old(settings):
    folder = settings.data_dir / "files" / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    old, fresh = folder / "old", folder / "fresh"
    old.write_bytes(b"x")
    fresh.write_bytes(b"x")
    os.utime(old, (0, 0))

    assert sweep(settings.data_dir, time.time()) == 1
    assert not old.exists()
    fresh.unlink()


# --------------------------------------------------------------- downloading


def test_a_download_is_saved_and_never_shown(client, acme):
    one = client.upload(acme, PNG, "Zoë; 1.png", "image/png")

    reply = get(client, one)

    assert reply.status_code == 200
    assert reply.content == PNG
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["content-length"] == str(len(PNG))
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in reply.headers["content-security-policy"]
    said = reply.headers["content-disposition"]
    assert said.startswith('attachment; filename="Zo__ 1.png"; ')
    assert said.endswith("filename*=UTF-8''Zo%C3%AB_%201.png")


@pytest.mark.parametrize(
    ("name", "declared", "sent"),
    [
        ("a.html", "text/html", "application/octet-stream"),
        ("a.svg", "image/svg+xml", "application/octet-stream"),
        ("a.js", "text/javascript", "application/octet-stream"),
        ("a.xml", "application/xhtml+xml", "application/octet-stream"),
        ("a.txt", "text/plain", "text/plain; charset=utf-8"),
    ],
)
def test_nothing_that_a_browser_would_run_is_sent_as_that(
    client, acme, name, declared, sent
):
    one = client.upload(acme, b"<script>alert(1)</script>", name, declared)
    assert one["type"] == declared
    assert get(client, one).headers["content-type"] == sent


def test_a_content_that_is_known_is_not_sent_again(client, acme):
    one = client.upload(acme)
    etag = get(client, one).headers["etag"]
    assert etag == f'"{one["sha256"]}"'

    for named in (etag, f'"other", W/{etag}', "*"):
        reply = get(client, one, if_none_match=named)
        assert (reply.status_code, reply.content) == (304, b"")
        assert reply.headers["etag"] == etag
    assert get(client, one, if_none_match='"other"').status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=0-0,2-2", 200, b"0123456789"),
        ("bytes=10-", 200, b"0123456789"),
        ("bytes=-0", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=5-2", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        ("bytes=" + ",".join(["0-"] * 1000), 200, b"0123456789"),
    ],
)
def test_one_range_is_sent_and_no_more(client, acme, asked, status, content):
    one = client.upload(acme, b"0123456789")

    reply = get(client, one, range=asked)

    assert (reply.status_code, reply.content) == (status, content)
    if status == 206:
        first = content[:1].decode()
        last = content[-1:].decode()
        assert reply.headers["content-range"] == f"bytes {first}-{last}/10"


def test_a_range_of_another_content_is_the_whole(client, acme):
    one = client.upload(acme, b"0123456789")
    etag = f'"{one["sha256"]}"'
    assert get(client, one, range="bytes=1-1", if_range='"other"').status_code == 200
    assert get(client, one, range="bytes=1-1", if_range=etag).status_code == 206


def test_a_head_tells_the_size_alone(client, acme):
    one = client.upload(acme, b"0123456789")
    reply = client.head(f"/attachments/{one['id']}/content")
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-length"] == "10"


def test_a_large_file_comes_back_whole(client, acme):
    content = os.urandom(3_000_000)
    assert get(client, client.upload(acme, content)).content == content


def test_a_content_that_is_gone_or_cut_short_is_said_to_be(client, settings, acme):
    one = client.upload(acme, b"to be lost" + new_id().encode())
    place = place_of(settings.data_dir, one["sha256"])

    place.write_bytes(b"short")
    assert get(client, one).status_code == 503
    place.unlink()

    assert get(client, one).status_code == 503
    assert made(client.get(f"/attachments/{one['id']}")) == one


def test_a_name_has_no_folders_and_nothing_hidden(client, acme):
    names = {
        "../../etc/passwd": "passwd",
        "C:\\temp\\a.txt": "a.txt",
        "invoice\u202efdp.exe": "invoice_fdp.exe",
        "..": "file",
    }
    for given, kept in names.items():
        quoted = given.replace("\\", "\\\\").encode()
        body = part(b'name="file"; filename="' + quoted + b'"')
        assert made(raw(client, body, workspace_id=acme))["name"] == kept
