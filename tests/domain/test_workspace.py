"""Workspaces: made once, with a slug nobody else has, by an owner who is a member."""

import pytest

from domain.errors import Conflict, NameTaken, NotFound, VersionMismatch
from domain.ids import UserId
from domain.workspace import (
    RESERVED_SLUGS,
    CreateWorkspace,
    MemberAdded,
    UpdateWorkspace,
    WorkspaceCreated,
    WorkspaceUpdated,
    candidate_slugs,
)
from tests.domain.library import MEMBERS
from tests.scenario import WORKSPACE, Store, scenario


def wish(slug: str = "library", *, chosen: bool = False) -> CreateWorkspace:
    return CreateWorkspace(
        WORKSPACE, "Library", slug, chosen, "Books", UserId("owner"), "member-1"
    )


# creating


def test_the_creator_of_a_workspace_owns_it_and_is_its_first_member():
    scenario(
        given=[],
        users=["owner"],
        when=wish(),
        then=[
            WorkspaceCreated(WORKSPACE, "Library", "library", "Books", "owner"),
            MemberAdded("member-1", "owner", "owner"),
        ],
    )


@pytest.mark.parametrize(
    ("wanted", "others", "slug"),
    [
        ("library", [], "library"),
        ("library", ["library"], "library-2"),
        ("library", ["library", "library-2", "library-4"], "library-3"),
        ("library", ["library-2"], "library"),
        ("api", [], "api-2"),  # part of a path
        ("library", candidate_slugs("library"), "library-111111111111"),
    ],
)
def test_a_derived_slug_gives_way(wanted: str, others: list[str], slug: str):
    scenario(
        given=[],
        users=["owner"],
        slugs=others,
        when=wish(wanted),
        then=[
            WorkspaceCreated(WORKSPACE, "Library", slug, "Books", "owner"),
            MemberAdded("member-1", "owner", "owner"),
        ],
    )


def test_a_slug_has_39_forms_to_try():
    tried = candidate_slugs("library")

    assert len(tried) == 39
    assert tried[:3] == ["library", "library-2", "library-3"]
    assert tried[-1] == "library-39"


@pytest.mark.parametrize("slug", ["library", "v1", "health"])
def test_a_chosen_slug_is_refused_where_it_is_taken(slug: str):
    scenario(
        given=[],
        users=["owner"],
        slugs=["library"],
        when=wish(slug, chosen=True),
        refused=NameTaken,
        detail="The slug is already in use",
        field="slug",
    )


def test_a_chosen_slug_is_kept_as_it_is():
    scenario(
        given=[],
        users=["owner"],
        slugs=["library-2"],
        when=wish(chosen=True),
        then=[
            WorkspaceCreated(WORKSPACE, "Library", "library", "Books", "owner"),
            MemberAdded("member-1", "owner", "owner"),
        ],
    )


def test_nobody_owns_a_workspace_who_is_not_a_user():
    scenario(given=[], when=wish(), refused=NotFound, detail="User not found")


def test_a_workspace_is_created_once():
    scenario(
        given=MEMBERS,
        users=["owner"],
        when=wish("other"),
        refused=Conflict,
        detail="The workspace exists already",
    )


# changing


def test_an_update_of_a_workspace_records_what_differs():
    scenario(
        given=MEMBERS,
        when=UpdateWorkspace(
            WORKSPACE, {"name": "Archive", "slug": "library", "description": "Old"}
        ),
        then=[
            WorkspaceUpdated(
                WORKSPACE,
                {
                    "name": {"from": "Library", "to": "Archive"},
                    "description": {"from": None, "to": "Old"},
                },
            )
        ],
    )


@pytest.mark.parametrize(
    "same", [{}, {"name": "Library"}, {"slug": "library", "description": None}]
)
def test_a_workspace_that_stays_as_it_is_fires_nothing(same: dict[str, str | None]):
    scenario(given=MEMBERS, when=UpdateWorkspace(WORKSPACE, same), then=[])


def test_a_workspace_moves_to_a_free_slug():
    scenario(
        given=MEMBERS,
        slugs=["other"],
        when=UpdateWorkspace(WORKSPACE, {"slug": "archive"}),
        then=[
            WorkspaceUpdated(WORKSPACE, {"slug": {"from": "library", "to": "archive"}})
        ],
    )


@pytest.mark.parametrize("slug", ["other", "metrics"])
def test_a_workspace_does_not_move_to_a_taken_slug(slug: str):
    scenario(
        given=MEMBERS,
        slugs=["other"],
        when=UpdateWorkspace(WORKSPACE, {"slug": slug}),
        refused=NameTaken,
        detail="The slug is already in use",
        field="slug",
    )


def test_the_slug_that_a_workspace_left_is_free_again():
    store = Store(MEMBERS)
    store.do(UpdateWorkspace(WORKSPACE, {"slug": "archive"}))
    store.do(UpdateWorkspace(WORKSPACE, {"slug": "library"}))

    assert store.catalog.live_workspace().slug == "library"


def test_a_unit_may_move_a_workspace_away_and_back():
    scenario(
        given=MEMBERS,
        when=[
            UpdateWorkspace(WORKSPACE, {"slug": "archive"}),
            UpdateWorkspace(WORKSPACE, {"slug": "library"}),
        ],
        then=[
            WorkspaceUpdated(WORKSPACE, {"slug": {"from": "library", "to": "archive"}}),
            WorkspaceUpdated(WORKSPACE, {"slug": {"from": "archive", "to": "library"}}),
        ],
    )


def test_a_workspace_is_changed_by_those_who_saw_its_version():
    changed = WorkspaceUpdated(WORKSPACE, {"name": {"from": "Library", "to": "A"}})
    scenario(
        given=[*MEMBERS, changed],
        when=UpdateWorkspace(WORKSPACE, {"name": "B"}, if_match=2),
        then=[WorkspaceUpdated(WORKSPACE, {"name": {"from": "A", "to": "B"}})],
    )
    scenario(
        given=[*MEMBERS, changed],
        when=UpdateWorkspace(WORKSPACE, {"name": "B"}, if_match=1),
        refused=VersionMismatch,
        detail="The resource has another version",
        current_version=2,
    )


def test_a_workspace_that_is_not_there_cannot_change():
    scenario(
        given=[],
        when=UpdateWorkspace(WORKSPACE, {"name": "B"}),
        refused=NotFound,
        detail="Workspace not found",
    )


def test_every_first_part_of_a_path_is_reserved():
    assert {"api", "v1", "workspaces", "health", "metrics", "docs"} <= RESERVED_SLUGS


# what becomes of it


def test_a_workspace_is_as_its_events_say():
    store = Store(MEMBERS)
    store.do(UpdateWorkspace(WORKSPACE, {"name": "Archive", "slug": "archive"}))
    found = store.catalog.live_workspace()

    assert (found.name, found.slug, found.owner_id) == ("Archive", "archive", "owner")
    assert (found.version, store.catalog.seq) == (2, 6)
    assert found.created_at == "2024-01-01T00:00:01.000000Z"
    assert found.updated_at == "2024-01-01T00:00:06.000000Z"
