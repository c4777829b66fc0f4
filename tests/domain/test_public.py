"""What is public: tables by a slug of their own, in workspaces that are active."""

from collections.abc import Sequence

import pytest

from domain.base import (
    BaseCreated,
    BaseDeleted,
    BaseUpdated,
    MakeContentBase,
    RestoreBase,
)
from domain.copy import CopyBase
from domain.errors import Conflict, Invalid, NameTaken, NotFound
from domain.events import Event
from domain.field import CreateField, FieldDeleted, RestoreField, UpdateField
from domain.ids import BaseId, FieldId, TableId, UserId
from domain.table import (
    CreateTable,
    RestoreTable,
    TableCreated,
    TableDeleted,
    TableRestored,
    TableUpdated,
    UpdateTable,
)
from domain.workspace import (
    STATUSES,
    CreateWorkspace,
    MemberAdded,
    UpdateWorkspace,
    WorkspaceCreated,
    WorkspaceUpdated,
)
from tests.domain.histories import taking_back
from tests.domain.library import AUTHORS, BASE, MEMBERS, NAME, THE_AUTHORS
from tests.scenario import WORKSPACE, Store, scenario

NEW, OTHER = TableId("posts"), TableId("other")
POSTS: list[Event] = [
    *AUTHORS,
    BaseCreated("two", "Two", None, None, "two"),
    TableCreated("posts", "two", 3, "Posts", None, 0, "blog-post", True),
]
GONE = [*POSTS, TableDeleted("posts", "two", "Posts")]


def made(slug: str, *, public: bool, base: str = "base") -> TableCreated:
    """A table beside the posts."""
    return TableCreated("other", base, 4, "Other", None, 1, slug, public)


# the status of a workspace


@pytest.mark.parametrize("status", STATUSES)
def test_a_workspace_begins_with_the_status_that_is_asked_for(status: str):
    wish = CreateWorkspace(
        WORKSPACE, "Library", "library", True, None, UserId("owner"), "one", status
    )
    scenario(
        given=[],
        users=["owner"],
        when=wish,
        then=[
            WorkspaceCreated(WORKSPACE, "Library", "library", None, "owner", status),
            MemberAdded("one", "owner", "owner"),
        ],
    )


def test_a_workspace_is_suspended_and_the_undo_of_it_makes_it_active_again():
    suspended = WorkspaceUpdated(
        WORKSPACE, {"status": {"from": "active", "to": "suspended"}}
    )
    scenario(
        given=MEMBERS,
        when=UpdateWorkspace(WORKSPACE, {"status": "suspended"}),
        then=[suspended],
    )

    assert Store([*MEMBERS, suspended]).catalog.live_workspace().status == "suspended"
    assert suspended.inverse() == UpdateWorkspace(WORKSPACE, {"status": "active"})


@pytest.mark.parametrize("word", ["Active", "", "archived", None])
def test_a_status_is_one_of_three(word: str | None):
    scenario(
        given=MEMBERS,
        when=UpdateWorkspace(WORKSPACE, {"status": word}),
        refused=Invalid,
        detail="The status is one of active, inactive, suspended",
        field="status",
    )


# slugs


def test_a_table_is_made_with_the_slug_that_was_chosen():
    scenario(
        given=AUTHORS,
        when=CreateTable(NEW, BASE, 3, "Posts", None, "blog-post", public=True),
        then=[
            TableCreated("posts", "base", 3, "Posts", None, 1, "blog-post", True),
        ],
    )


@pytest.mark.parametrize("public", [True, False])
def test_no_live_table_of_the_workspace_has_a_slug_that_is_chosen(public: bool):
    scenario(
        given=POSTS,
        when=CreateTable(OTHER, BASE, 4, "Other", None, "blog-post", public),
        refused=NameTaken,
        detail="The slug is already in use",
        field="slug",
    )


def test_the_slug_of_a_deleted_table_can_be_chosen():
    scenario(
        given=GONE,
        when=CreateTable(OTHER, BASE, 4, "Other", None, "blog-post"),
        then=[TableCreated("other", "base", 4, "Other", None, 1, "blog-post")],
    )


def test_a_public_table_has_a_slug_of_its_own_in_the_workspace():
    scenario(
        given=POSTS,
        when=CreateTable(OTHER, BASE, 4, "Blog Post", public=True),
        then=[
            TableCreated("other", "base", 4, "Blog Post", None, 1, "blog-post-2", True)
        ],
    )


def test_a_slug_changes_and_the_undo_gives_back_what_it_was():
    unit = Store(POSTS).do(UpdateTable(NEW, {"slug": "news", "public": False}))
    changed = TableUpdated(
        "posts",
        {
            "slug": {"from": "blog-post", "to": "news"},
            "public": {"from": True, "to": False},
        },
    )
    before = {"slug": "blog-post", "public": True}

    assert [one.event for one in unit] == [changed]
    assert changed.inverse() == UpdateTable(NEW, before, back=True)


@pytest.mark.parametrize("base", ["base", "two"])
def test_a_slug_does_not_become_one_that_is_taken(base: str):
    scenario(
        given=[*POSTS, made("other", public=False, base=base)],
        when=UpdateTable(OTHER, {"slug": "blog-post"}),
        refused=NameTaken,
        field="slug",
    )


def test_a_table_keeps_its_slug_without_asking():
    scenario(
        given=POSTS,
        when=UpdateTable(NEW, {"slug": "blog-post", "public": True}),
        then=[],
    )


def test_two_public_tables_never_have_one_slug():
    scenario(
        given=[*POSTS, made("blog-post", public=False)],
        when=UpdateTable(OTHER, {"public": True}),
        refused=NameTaken,
        field="slug",
    )


def test_tables_of_two_bases_may_have_one_slug_where_one_is_private():
    """As copies have it: what an undo puts back need not be the only one."""
    store = Store([*POSTS, made("blog-post", public=False)])

    unit = store.do(UpdateTable(NEW, {"slug": "news"}))
    store.do(*taking_back(unit))

    assert store.catalog.live_table(NEW).slug == "blog-post"


@pytest.mark.parametrize(
    "since",
    [made("blog-post", public=False, base="two"), made("blog-post", public=True)],
    ids=["same base", "both public"],
)
def test_a_table_does_not_come_back_where_its_slug_was_given_away(since: Event):
    scenario(
        given=[*GONE, since],
        when=RestoreTable(NEW),
        refused=NameTaken,
        field="slug",
    )


@pytest.mark.parametrize(
    "since",
    [made("blog-post", public=False), made("news", public=True)],
    ids=["a private one elsewhere", "another slug"],
)
def test_a_table_comes_back_beside_what_is_in_nobodys_way(since: Event):
    scenario(
        given=[*GONE, since],
        when=RestoreTable(NEW),
        then=[TableRestored("posts", "two", "Posts")],
    )


def test_a_copied_table_is_never_public():
    store = Store(POSTS)
    tables = store.catalog.tables_of("two")
    store.do(
        CopyBase(
            BaseId("copy"), "Two", None, None, tables, {"posts": "new"}, {"posts": 9}
        )
    )
    store.do(RestoreBase(BaseId("copy")), RestoreTable(TableId("new")))

    copied = store.catalog.live_table("new")
    assert (copied.slug, copied.public) == ("blog-post", False)


def test_a_table_of_before_is_private():
    assert not Store(AUTHORS).catalog.live_table(THE_AUTHORS).public


# the base of content

CONTENT = BaseCreated("content", "Content", None, None, "content")


def test_the_base_of_content_is_made_once():
    scenario(
        given=MEMBERS,
        when=[MakeContentBase(BaseId("content")), MakeContentBase(BaseId("again"))],
        then=[CONTENT],
    )


@pytest.mark.parametrize(
    "given",
    [
        [CONTENT],
        [CONTENT, BaseUpdated("content", {"name": {"from": "Content", "to": "Blog"}})],
        [BaseCreated("theirs", "Content", None, None, "content_2")],
    ],
    ids=["made before", "renamed", "of this name"],
)
def test_a_base_of_content_that_is_there_is_the_one(given: Sequence[Event]):
    store = Store([*MEMBERS, *given])

    assert store.do(MakeContentBase(BaseId("new"))) == []
    assert store.catalog.content_base is not None
    assert store.catalog.content_base.id == given[0].stream_id


def test_a_base_of_content_that_was_deleted_leaves_room_for_another():
    gone = [*MEMBERS, CONTENT, BaseDeleted("content", "Content")]
    store = Store(gone)

    unit = store.do(MakeContentBase(BaseId("new")), MakeContentBase(BaseId("more")))

    assert [one.event for one in unit] == [
        BaseCreated("new", "Content", None, None, "content_2")
    ]


def test_a_table_without_a_base_is_made_in_that_of_content():
    scenario(
        given=[*AUTHORS, CONTENT],
        when=CreateTable(NEW, None, 3, "Posts"),
        then=[TableCreated("posts", "content", 3, "Posts", None, 0, "posts")],
    )


def test_a_table_needs_a_base():
    scenario(
        given=AUTHORS,
        when=CreateTable(NEW, None, 3, "Posts"),
        refused=NotFound,
        detail="Base not found",
    )


def test_a_base_is_made_once():
    scenario(
        given=AUTHORS,
        when=MakeContentBase(BASE),
        refused=Conflict,
        detail="The base exists already",
    )


# names of fields


def test_a_field_has_the_name_that_was_chosen():
    store = Store(AUTHORS)

    new = CreateField(
        FieldId("new"), THE_AUTHORS, "Born in", "text", {}, api_name="place"
    )
    store.do(new)

    assert store.catalog.live_field("new").api_name == "place"


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("name", "The name 'name' is already in use"),
        ("page", "The name 'page' is reserved"),
    ],
)
def test_a_name_of_a_field_is_chosen_once_and_is_no_reserved_word(name, detail):
    new = CreateField(FieldId("new"), THE_AUTHORS, "New", "text", {}, api_name=name)
    for when in (new, UpdateField(FieldId("born"), THE_AUTHORS, {"api_name": name})):
        scenario(
            given=AUTHORS,
            when=when,
            refused=NameTaken,
            detail=detail,
            field="api_name",
        )


def test_a_field_comes_back_unless_its_name_was_chosen_since():
    chosen = CreateField(
        FieldId("new"), THE_AUTHORS, "New", "text", {}, api_name="born"
    )
    store = Store([*AUTHORS, FieldDeleted("born", "authors", "Born")])
    store.do(chosen)

    with pytest.raises(NameTaken, match="'born' is already in use"):
        store.do(RestoreField(FieldId("born")))


def test_the_name_of_a_field_changes_and_the_undo_gives_it_back():
    store = Store(AUTHORS)

    unit = store.do(UpdateField(NAME, THE_AUTHORS, {"api_name": "full_name"}))
    changed = store.catalog.live_field(NAME)
    store.do(*taking_back(unit))

    assert (changed.api_name, changed.name) == ("full_name", "Name")
    assert store.catalog.live_field(NAME).api_name == "name"
