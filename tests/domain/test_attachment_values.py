"""Files of a workspace, and the fields that name them."""

from typing import Any

import pytest

from domain.catalog import Field
from domain.errors import Forbidden, Invalid
from domain.events import Actor
from domain.facts import File
from domain.file import (
    FileUploaded,
    UploadFile,
    file_name,
    file_type,
    served_type,
)
from domain.record import Change, RecordCreated, RecordUpdated, UpdateRecords
from domain.record.cells import from_cell
from domain.values import takes
from domain.values.attachments import show_attachments
from tests.domain.library import ADA, AUTHORS, BOB, THE_AUTHORS, author, create, field
from tests.domain.reading import a_field, kept, refusal
from tests.scenario import Store, scenario

PLAN = "11111111-1111-4111-8111-1111111111aa"
PHOTO = "22222222-2222-4222-8222-2222222222bb"
NOTHING = "33333333-3333-4333-8333-3333333333cc"
A_PLAN = FileUploaded(PLAN, "plan.pdf", "application/pdf", 2000, "ab" * 32)
A_PHOTO = FileUploaded(PHOTO, "Ada.png", "image/png", 900, "cd" * 32)
GIVEN = [
    *AUTHORS,
    field("files", "authors", "Files", "attachment", position=4),
    field(
        "small",
        "authors",
        "Small",
        "attachment",
        position=5,
        allowed_types=["image/*", ".txt"],
        max_size=1000,
    ),
    A_PLAN,
    A_PHOTO,
]
THE_PLAN = {"id": PLAN, "name": "plan.pdf", "size": 2000, "type": "application/pdf"}
THE_PHOTO = {"id": PHOTO, "name": "Ada.png", "size": 900, "type": "image/png"}


def refused(name: str, message: str, kind: str) -> dict[str, Any]:
    errors = [{"loc": [name], "msg": message, "type": kind}]
    return {"refused": Invalid, "errors": errors}


def rewrite(given: Any, **values: Any) -> UpdateRecords:
    seq = Store(given).catalog.live_table(THE_AUTHORS).schema_seq
    return UpdateRecords(THE_AUTHORS, seq, [Change(ADA, values)])


# --------------------------------------------------------------- uploading

NEW = File("44444444-4444-4444-8444-4444444444dd", "a", "text/plain", 1, "ef" * 32)


def test_an_editor_uploads_a_file():
    scenario(
        given=GIVEN,
        when=UploadFile(NEW),
        actor=Actor("user", "editor"),
        then=[FileUploaded(NEW.id, "a", "text/plain", 1, "ef" * 32)],
    )


def test_who_reads_uploads_nothing():
    scenario(
        given=GIVEN,
        when=UploadFile(NEW),
        actor=Actor("user", "viewer"),
        refused=Forbidden,
    )


def test_a_file_that_is_uploaded_in_the_unit_can_be_named_in_it():
    command = create(GIVEN, (ADA, {"files": [{"id": NEW.id}]}))
    unit = Store(GIVEN).do(UploadFile(NEW), command)
    assert unit[1].event.data()["values"] == {
        "files": [{"id": NEW.id, "name": "a", "size": 1, "type": "text/plain"}]
    }


# ---------------------------------------------------------------- in records


def test_a_record_keeps_what_is_known_of_its_files():
    scenario(
        given=GIVEN,
        when=create(GIVEN, (ADA, {"files": [{"id": PHOTO}, {"id": PLAN}]})),
        then=[RecordCreated(ADA, "authors", 1, {"files": [THE_PHOTO, THE_PLAN]}, {})],
    )


def test_a_file_that_the_workspace_does_not_have_is_refused():
    scenario(
        given=GIVEN,
        when=create(
            GIVEN,
            (BOB, {"files": [{"id": PLAN}]}),
            (ADA, {"files": [{"id": PLAN}, {"id": NOTHING}]}),
        ),
        **refused(
            "Files",
            "Value must have attachments of the workspace",
            "value_error.attachment",
        ),
        index=1,
    )


def test_a_field_takes_its_types_alone():
    wrong = "'plan.pdf' is not of the types image/*, .txt"
    scenario(
        given=GIVEN,
        when=create(GIVEN, (ADA, {"small": [{"id": PLAN}]})),
        **refused("Small", wrong, "value_error.file_type"),
        index=0,
    )


def test_a_field_takes_no_larger_files():
    large = FileUploaded(NOTHING, "a.png", "image/png", 1001, "ab" * 32)
    scenario(
        given=[*GIVEN, large],
        when=create(GIVEN, (ADA, {"small": [{"id": NOTHING}]})),
        **refused("Small", "'a.png' has more than 1000 bytes", "value_error.file_size"),
        index=0,
    )


def test_what_was_attached_before_stays_and_comes_nowhere_else():
    given = [*GIVEN, author(1, small=[THE_PLAN])]
    scenario(
        given=given,
        when=rewrite(given, small=[{"id": PLAN}, {"id": PHOTO}]),
        then=[
            RecordUpdated(
                ADA,
                "authors",
                {"small": {"from": [THE_PLAN], "to": [THE_PLAN, THE_PHOTO]}},
            )
        ],
    )
    scenario(given=given, when=rewrite(given, small=[{"id": PLAN}]), then=[])


@pytest.mark.parametrize("to", [None, [THE_PHOTO]])
def test_a_change_is_taken_back_whatever_the_field_takes_by_now(to: Any):
    change = RecordUpdated(ADA, "authors", {"small": {"from": [THE_PLAN], "to": to}})
    back = change.inverse()
    assert back is not None
    scenario(
        given=[*GIVEN, author(1, small=[THE_PLAN]), change],
        when=back,
        then=[RecordUpdated(ADA, "authors", {"small": {"from": to, "to": [THE_PLAN]}})],
    )


# ------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], None),
        ([{"id": PLAN.upper()}], [{"id": PLAN}]),
        ([{"id": PLAN}, {"id": PHOTO}, {"id": PLAN}], [{"id": PLAN}, {"id": PHOTO}]),
        (
            [{"id": PLAN, "name": "x", "size": 1, "type": "y", "url": "z"}],
            [{"id": PLAN}],
        ),
        (
            [{"url": "https://example.org/a%20b.pdf?c", "name": "Zoë.png"}],
            [
                {
                    "name": "Zoë.png",
                    "type": "image/png",
                    "url": "https://example.org/a%20b.pdf?c",
                }
            ],
        ),
        (
            [{"id": None, "url": "https://example.org/a%20b.pdf?c"}],
            [
                {
                    "name": "a b.pdf",
                    "type": "application/pdf",
                    "url": "https://example.org/a%20b.pdf?c",
                }
            ],
        ),
        (
            [{"url": "https://example.org/", "type": "text/html"}],
            [{"name": "example.org", "url": "https://example.org/"}],
        ),
    ],
)
def test_attachments_are_kept(value: Any, expected: Any):
    assert kept(value, "attachment") == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        PLAN,
        {"id": PLAN},
        [PLAN],
        [{}],
        [{"id": "x"}],
        [{"id": 7}],
        [{"id": PLAN, "more": 1}],
        [{"name": "a"}],
        [{"url": 7}],
        [{"url": "example.org/a"}],
        [{"url": "javascript:alert(1)"}],
        [{"url": "file:///etc/passwd"}],
        [{"url": "data:text/html,x"}],
        [{"url": "mailto:ada@example.org"}],
        [{"url": "https://example.org/" + "a" * 2048}],
        [{"url": "https://example.org/", "name": "a" * 256}],
        [{"url": "https://example.org/", "name": "a\x00"}],
        [{"url": "https://example.org/", "name": 7}],
        [{"id": f"{n:08}-1111-4111-8111-111111111111"} for n in range(101)],
    ],
)
def test_what_is_no_attachment_is_refused(value: Any):
    refusal(value, "attachment")


def test_an_address_has_to_be_of_the_types_too():
    options = {"allowed_types": ["image/*"], "max_size": 1}
    assert kept([{"url": "https://example.org/a.png"}], "attachment", **options)
    reason, kind = refusal([{"url": "https://example.org/a"}], "attachment", **options)
    assert kind == "value_error.file_type"
    assert reason == "'a' is not of the types image/*"


def test_a_value_shows_where_its_files_are():
    elsewhere = {"name": "a", "url": "https://example.org/a"}
    shown = show_attachments([THE_PLAN, elsewhere], a_field("attachment"))
    assert shown == [
        {**THE_PLAN, "url": f"/api/v1/attachments/{PLAN}/content"},
        {
            "id": None,
            "name": "a",
            "size": None,
            "type": None,
            "url": "https://example.org/a",
        },
    ]
    assert kept(shown, "attachment") == [{"id": PLAN}, elsewhere]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f" {PLAN},{PHOTO} ", [{"id": PLAN}, {"id": PHOTO}]),
        (f'[{{"id": "{PLAN}"}}]', [{"id": PLAN}]),
        ("[", "["),
        ("", []),
    ],
)
def test_a_cell_has_ids_or_json(text: str, value: Any):
    read = from_cell(a_field("attachment"))
    assert read is not None
    assert read(text) == value


def test_options_are_kept():
    kind = a_field("attachment").kind
    given = {"allowed_types": ["image/*", " .PDF", "image/*"], "max_size": 5, "x": 1}
    assert kind.options(given) == {"allowed_types": ["image/*", ".pdf"], "max_size": 5}
    assert kind.options({"allowed_types": [], "max_size": None}) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"allowed_types": "image/*"},
        {"allowed_types": [7]},
        {"allowed_types": [""]},
        {"allowed_types": ["image/"]},
        {"allowed_types": ["a"] * 101},
        {"max_size": 0},
        {"max_size": "1"},
        {"max_size": 1.5},
    ],
)
def test_bad_options_are_refused(options: Any):
    with pytest.raises(ValueError, match="Option"):
        a_field("attachment").kind.options(options)


# ---------------------------------------------------------- names and types


@pytest.mark.parametrize(
    ("pattern", "type_", "name", "fits"),
    [
        ("*/*", None, "a", True),
        ("image/*", "image/png", "a", True),
        ("image/*", "imagery/png", "a", False),
        ("image/png", "image/png", "a", True),
        ("image/png", "image/png2", "a", False),
        (".pdf", None, "A.PDF", True),
        ("pdf", None, "a.pdf", True),
        ("pdf", None, "apdf", False),
        ("tar.gz", None, "a.tar.gz", True),
    ],
)
def test_a_pattern_takes(pattern: str, type_: str | None, name: str, fits: bool):
    assert takes([pattern], type_, name) is fits


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a.txt", "a.txt"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\a", "a"),
        ("a\r\nb\x7f\x85.txt", "a__b__.txt"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        (" . ", "file"),
        ("", "file"),
        ("Zoë 計画.pdf", "Zoë 計画.pdf"),
    ],
)
def test_a_name_is_one_that_can_be_shown(given: str, name: str):
    assert file_name(given) == name


@pytest.mark.parametrize(
    ("declared", "name", "head", "type_"),
    [
        ("text/html", "a.html", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("image/png", "a.png", b"<svg>", "application/octet-stream"),
        ("", "a.jpg", b"", "application/octet-stream"),
        ("", "a.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("", "a", b"RIFF\n\n\n\nWEBPVP8", "image/webp"),
        ("Text/Plain; charset=x", "a.csv", b"", "text/plain"),
        ("application/octet-stream", "a.csv", b"", "text/csv"),
        ("text/html\r\nx: y", "a", b"", "application/octet-stream"),
    ],
)
def test_a_type_is_seen_then_declared_then_guessed(
    declared: str, name: str, head: bytes, type_: str
):
    assert file_type(declared, name, head) == type_


@pytest.mark.parametrize(
    "type_", ["text/html", "image/svg+xml", "text/javascript", "application/xml", "x"]
)
def test_nothing_that_runs_is_served_as_it_is(type_: str):
    assert served_type(type_) == "application/octet-stream"


def test_a_field_of_files_has_a_column():
    assert isinstance(a_field("attachment"), Field)
    assert a_field("attachment").column == "jsonb"
