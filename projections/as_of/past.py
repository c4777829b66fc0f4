"""What is asked of the past: a table, a moment, and what is there to make it from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from domain.catalog import Table
from domain.ids import WorkspaceId
from projections.of_table import is_of
from projections.target import Beside, Target


@dataclass(frozen=True, slots=True)
class Retypes:
    """Where fields of the workspace changed their type: field id -> positions."""

    by_field: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def after(self, position: int, upto: int | None) -> frozenset[str]:
        return frozenset(
            name
            for name, found in self.by_field.items()
            if any(position < one and (upto is None or one <= upto) for one in found)
        )

    def before(self, position: int) -> frozenset[str]:
        return frozenset(
            name
            for name, found in self.by_field.items()
            if any(one <= position for one in found)
        )


@dataclass(frozen=True)
class Past:
    """What is asked: `table` as it was at `position`, made from `base`, which has what
    is now (`upto` None) or what was at `upto`.  `record_ids`: of these alone."""

    workspace_id: WorkspaceId
    position: int
    table: Table
    base: Target
    into: Beside
    retypes: Retypes
    upto: int | None = None
    record_ids: tuple[str, ...] | None = None

    @property
    def retyped(self) -> frozenset[str]:
        """The fields, of any table, that another type came to since."""
        return self.retypes.after(self.position, self.upto)


def scope(past: Past, column: str) -> sql.Composed:
    """Whether a stream is that of a record that is asked for."""
    stream = sql.Identifier(*column.split("."))
    if past.record_ids is None:
        condition = is_of(sql.SQL("uuid_send({})").format(stream), past.table)
        # the planner takes two comparisons of bytes for one row in forty thousand, and
        # a CASE for every other one, which is nearer: it plans for many, in parallel
        return sql.SQL("CASE WHEN {} THEN TRUE ELSE FALSE END").format(condition)
    return sql.SQL("{} = ANY ({}::uuid[])").format(stream, array(past.record_ids))


def array(ids: Sequence[str]) -> sql.Literal:
    return sql.Literal("{" + ",".join(ids) + "}")


def since(past: Past) -> sql.Composed:
    """The events `e` that came after the moment."""
    window = sql.SQL("e.workspace_id = {}::uuid AND e.seq > {}::bigint").format(
        sql.Literal(past.workspace_id), sql.Literal(past.position)
    )
    if past.upto is None:
        return window
    return window + sql.SQL(" AND e.seq <= {}::bigint").format(sql.Literal(past.upto))


def until(past: Past) -> sql.Composed:
    return sql.SQL("e.workspace_id = {}::uuid AND e.seq <= {}::bigint").format(
        sql.Literal(past.workspace_id), sql.Literal(past.position)
    )
