"""Events that programs bring along: in order, all or none, and nothing else asked."""

from domain.errors import Conflict
from domain.foreign import AppendForeign, ForeignAppended
from tests.scenario import Store, scenario


def one(stream: str, version: int, topic: str = "Ordered") -> ForeignAppended:
    return ForeignAppended(stream, None, version, topic, "{}", "utf8")


def test_a_stream_starts_at_whatever_version_its_program_counts_from():
    for first in (0, 1, 7):
        scenario(
            given=[],
            when=AppendForeign([one("order", first)]),
            then=[one("order", first)],
        )


def test_each_next_version_is_one_more():
    scenario(
        given=[one("order", 0)],
        when=AppendForeign([one("order", 1), one("invoice", 1), one("order", 2)]),
        then=[one("order", 1), one("invoice", 1), one("order", 2)],
    )


def test_a_version_that_is_there_is_refused_and_its_place_is_told():
    scenario(
        given=[one("order", 1)],
        when=AppendForeign([one("invoice", 1), one("order", 1, "Other")]),
        refused=Conflict,
        detail="Version 1 of order is not its next one, which is 2",
        index=1,
    )


def test_a_version_that_leaves_one_out_is_refused():
    scenario(
        given=[one("order", 1)],
        when=AppendForeign([one("order", 3)]),
        refused=Conflict,
        index=0,
    )


def test_the_same_version_twice_in_one_command_is_refused():
    scenario(
        given=[one("order", 1)],
        when=AppendForeign([one("order", 2), one("order", 2)]),
        refused=Conflict,
        index=1,
    )


def test_a_later_unit_goes_on_from_what_an_earlier_one_appended():
    store = Store()
    store.do(AppendForeign([one("order", 5)]))
    (recorded,) = store.do(AppendForeign([one("order", 6)]))

    assert recorded.version == 2  # the ledger's own
