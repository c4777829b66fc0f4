"""Every workload and yardstick by name, in the order of a round.

Pure.  What a figure has to reach stands in `benchmarks/goals.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Side(Enum):
    """Who does the work: the measured server, the bare endpoint, Postgres alone."""

    SERVER = "server"
    BARE = "bare"
    POSTGRES = "postgres"


class Kind(Enum):
    """What one request does."""

    CREATE = "create"
    UPDATE = "update"
    BATCH = "batch create"
    GET = "get"
    LIST_ANEW = "list that nobody asked for before"
    LIST_AGAIN = "list that is asked for again"
    LIST_WRITTEN = "list that is asked for again, beside writes"
    LIST_INDEXED = "selective list that is asked for again, beside writes"
    LIST_SOUGHT = "selective list that nobody asked for before, beside writes"
    LIST_DEEP = "list far from its start"
    SELECT = "select"
    SELECT_DEEP = "select far from the start"
    INSERT = "insert"
    COPY = "copy"


@dataclass(frozen=True)
class Workload:
    """`records` is how many a request writes; the rate counts records."""

    name: str
    title: str
    side: Side
    kind: Kind
    connections: int = 1
    records: int = 1
    yardsticks: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        return self.kind in _LISTS

    @property
    def beside_writes(self) -> bool:
        return self.kind in _BESIDE_WRITES

    @property
    def threads(self) -> int:
        """Of the client; each has its own ids and its share of the connections."""
        return 2 if self.connections > 1 else 1


_LISTS = (
    Kind.LIST_ANEW,
    Kind.LIST_AGAIN,
    Kind.LIST_WRITTEN,
    Kind.LIST_INDEXED,
    Kind.LIST_SOUGHT,
    Kind.LIST_DEEP,
    Kind.SELECT,
    Kind.SELECT_DEEP,
)
_BESIDE_WRITES = (Kind.LIST_WRITTEN, Kind.LIST_INDEXED, Kind.LIST_SOUGHT)

WORKLOADS = (
    Workload(
        "create64",
        "create one, 64 connections",
        Side.SERVER,
        Kind.CREATE,
        64,
        yardsticks=("pgbench", "bare_create64"),
    ),
    Workload("bare_create64", "bare create, 64", Side.BARE, Kind.CREATE, 64),
    Workload(
        "update64",
        "update one, 64 connections",
        Side.SERVER,
        Kind.UPDATE,
        64,
        yardsticks=("create64", "pgbench"),
    ),
    Workload(
        "create16",
        "create one, 16 connections",
        Side.SERVER,
        Kind.CREATE,
        16,
        yardsticks=("pgbench",),
    ),
    Workload(
        "create1",
        "create one, 1 connection",
        Side.SERVER,
        Kind.CREATE,
        1,
        yardsticks=("pgbench",),
    ),
    Workload(
        "batch1000",
        "batch create of 1,000, one connection",
        Side.SERVER,
        Kind.BATCH,
        1,
        records=1000,
        yardsticks=("copy",),
    ),
    Workload("copy", "COPY of the same rows", Side.POSTGRES, Kind.COPY),
    Workload(
        "get16",
        "get one, 16 connections",
        Side.SERVER,
        Kind.GET,
        16,
        yardsticks=("bare_get16",),
    ),
    Workload("bare_get16", "bare get, 16", Side.BARE, Kind.GET, 16),
    Workload(
        "list_anew",
        "list of 100 with total, nothing indexed, 16 connections",
        Side.SERVER,
        Kind.LIST_ANEW,
        16,
        yardsticks=("sql_list",),
    ),
    Workload("sql_list", "its SQL alone, 16 clients", Side.POSTGRES, Kind.SELECT),
    Workload(
        "list_again",
        "the same, nothing written to the table since",
        Side.SERVER,
        Kind.LIST_AGAIN,
        16,
        yardsticks=("sql_list",),
    ),
    Workload(
        "list_written",
        "the same, beside 100 writes/s to the table",
        Side.SERVER,
        Kind.LIST_WRITTEN,
        16,
        yardsticks=("sql_list",),
    ),
    Workload(
        "list_indexed",
        "list by a selective filter, indexed on demand, beside 100 writes/s",
        Side.SERVER,
        Kind.LIST_INDEXED,
        16,
    ),
    Workload(
        "list_sought",
        "the same, each by a filter that nobody asked for before",
        Side.SERVER,
        Kind.LIST_SOUGHT,
        16,
    ),
    Workload(
        "list_deep",
        "page at offset 50,000, 16 connections",
        Side.SERVER,
        Kind.LIST_DEEP,
        16,
        yardsticks=("sql_deep",),
    ),
    Workload("sql_deep", "its SQL alone, 16 clients", Side.POSTGRES, Kind.SELECT_DEEP),
    # last, so that it stands between the rounds; it is measured before the first too
    Workload(
        "pgbench", "pgbench single-row insert, 16 clients", Side.POSTGRES, Kind.INSERT
    ),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}

# measured once, beside the rounds
WARM_START = "warm_start"
MEMORY = "memory"


def chosen(names: Sequence[str]) -> list[Workload]:
    """The named ones with their yardsticks, in order; all where none is named."""
    if not names:
        return list(WORKLOADS)
    wanted = {name for name in names if name in BY_NAME}
    if MEMORY in names:
        wanted |= {one.name for one in WORKLOADS if one.side is Side.SERVER}
    for _ in range(2):  # a yardstick has at most one level of its own
        wanted |= {more for name in wanted for more in BY_NAME[name].yardsticks}
    return [workload for workload in WORKLOADS if workload.name in wanted]
