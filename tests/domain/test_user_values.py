"""Users in records are members, unless they were there before."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.record import Change, RecordCreated, RecordUpdated, UpdateRecords
from domain.workspace import MemberRemoved
from tests.domain.library import ADA, AUTHORS, BOB, THE_AUTHORS, author, create, field
from tests.scenario import Store, scenario

GIVEN = [
    *AUTHORS,
    field("who", "authors", "Who", "user", position=4),
    field("all", "authors", "All", "user", position=5, allow_multiple=True),
]
GONE = MemberRemoved("member-3", "editor", "editor")


def refusal(*names: str) -> dict[str, Any]:
    message = "Value must be a member of the workspace"
    kind = "value_error.member"
    return {
        "refused": Invalid,
        "errors": [{"loc": [name], "msg": message, "type": kind} for name in names],
    }


def rewrite(given: Any, **values: Any) -> UpdateRecords:
    seq = Store(given).catalog.live_table(THE_AUTHORS).schema_seq
    return UpdateRecords(THE_AUTHORS, seq, [Change(ADA, values)])


def test_a_member_is_taken():
    values: dict[str, Any] = {"who": "viewer", "all": ["owner", "editor"]}
    scenario(
        given=GIVEN,
        when=create(GIVEN, (ADA, values)),
        then=[RecordCreated(ADA, "authors", 1, values, {})],
    )


def test_nobody_else_is():
    wrong: dict[str, Any] = {"who": "stranger", "all": ["owner", "stranger"]}
    scenario(
        given=GIVEN,
        when=create(GIVEN, (BOB, {"who": "owner"}), (ADA, wrong)),
        **refusal("Who", "All"),
        index=1,
    )
    scenario(
        given=[*GIVEN, GONE],
        when=create([*GIVEN, GONE], (ADA, {"who": "editor"})),
        **refusal("Who"),
        index=0,
    )


def test_who_left_stays_where_they_are_and_comes_nowhere_else():
    given = [*GIVEN, author(1, who="editor", all=["editor", "owner"]), GONE]
    scenario(
        given=given,
        when=rewrite(given, who="editor", all=["editor"]),
        then=[
            RecordUpdated(
                ADA, "authors", {"all": {"from": ["editor", "owner"], "to": ["editor"]}}
            )
        ],
    )
    given = [*GIVEN, author(1, all=["editor"]), GONE]
    scenario(
        given=given,
        when=rewrite(given, who="editor"),
        **refusal("Who"),
        record_id=ADA,
        index=0,
    )


@pytest.mark.parametrize("before", ["editor", "stranger"])
def test_what_was_may_be_again(before: str):
    change = {"who": {"from": before, "to": "owner"}}
    given = [*GIVEN, author(1, who=before), RecordUpdated(ADA, "authors", change), GONE]
    back = RecordUpdated(ADA, "authors", change).inverse()
    assert back is not None
    scenario(
        given=given,
        when=back,
        then=[RecordUpdated(ADA, "authors", {"who": {"from": "owner", "to": before}})],
    )
