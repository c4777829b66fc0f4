"""What a workspace consists of, but for its records: the state that deciders read.

Pure and immutable.  A `Catalog` is one workspace at one position; the tables of the
read side hold the same, a row an entity, and `projections/catalog.py` loads and keeps
them.  Deleted things stay, marked, until they are purged, so that taking a deletion
back is instant.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from domain.access import Role
from domain.errors import Json, NotFound
from domain.ids import (
    BaseId,
    ConstraintId,
    FieldId,
    TableId,
    UserId,
    ViewId,
    WebhookId,
    WorkspaceId,
)
from domain.values import FIELD_TYPES, FieldType, Value

K = TypeVar("K")
V = TypeVar("V")

MAX_FIELDS = 400
CONTENT = "Content"


@dataclass(frozen=True)
class Workspace:
    id: WorkspaceId
    name: str
    slug: str
    description: str | None
    owner_id: UserId
    created_at: str
    updated_at: str
    version: int = 1
    deleted: bool = False
    status: str = "active"


@dataclass(frozen=True)
class Member:
    """A user's place in the workspace.  `id` is the stream of the membership."""

    id: str
    user_id: UserId
    role: Role
    created_at: str
    version: int = 1
    deleted: bool = False


@dataclass(frozen=True)
class Base:
    id: BaseId
    name: str
    description: str | None
    icon: str | None
    created_by: str
    created_at: str
    updated_at: str
    version: int = 1
    deleted: bool = False
    db_name: str = ""


@dataclass(frozen=True)
class Field:
    """A field of a table.  The first one made is the primary and stays it.

    `slot` tells its columns apart: a change of type writes into another one, and the
    old one stays for whoever still reads it.
    """

    id: FieldId
    table_id: TableId
    name: str
    type: str
    options: Mapping[str, Json]
    required: bool
    description: str | None
    position: int
    primary: bool
    created_at: str
    updated_at: str
    version: int = 1
    deleted: bool = False
    slot: str = ""
    api_name: str = ""

    def option(self, name: str, default: Json) -> Any:
        value = self.options.get(name)
        return default if value is None else value

    @cached_property
    def kind(self) -> FieldType:
        return FIELD_TYPES[self.type]

    @cached_property
    def column(self) -> str | None:
        """The Postgres type of its column; None where it has none."""
        if self.type == "date" and self.options.get("include_time"):
            return "timestamptz"
        if self.type == "user" and self.options.get("allow_multiple"):
            return "uuid[]"
        return self.kind.column

    @cached_property
    def choices(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self.options.get("choices") or ())  # type: ignore[arg-type]

    @cached_property
    def choice_names(self) -> Mapping[str, str]:
        return {choice["id"]: choice["name"] for choice in self.choices}

    @cached_property
    def choice_ids(self) -> Mapping[str, str]:
        """A choice's id by its id and by its name; a name wins over an id."""
        by_id = {choice["id"]: choice["id"] for choice in self.choices}
        return by_id | {choice["name"]: choice["id"] for choice in self.choices}

    @property
    def reverse_id(self) -> FieldId | None:
        """Of a linked_record field: the field at the other side."""
        found = self.options.get("reverse_field_id")
        return FieldId(found) if isinstance(found, str) else None

    @property
    def is_reverse(self) -> bool:
        return bool(self.options.get("is_reverse"))

    @property
    def link_key(self) -> FieldId:
        """The field that the link rows are stored under: the forward one."""
        if self.is_reverse and self.reverse_id is not None:
            return self.reverse_id
        return self.id


@dataclass(frozen=True)
class Constraint:
    """A unique constraint on one field.  `folding` names the digest's algorithm.

    `failure`: {type, examples} of the records that ended it while it was pending.
    """

    id: ConstraintId
    field_id: FieldId
    table_id: TableId
    case_sensitive: bool
    status: str
    error_message: str | None
    folding: str
    created_by: str
    created_at: str
    version: int = 1
    deleted: bool = False
    failure: Mapping[str, Json] | None = None


@dataclass(frozen=True)
class View:
    """A way to look at a table's records.  Everything in it names fields by id.

    `config` is what its type takes (`domain/layout.py`); `filters`, as
    `projections/views.py` tells, are conditions and groups of which all hold; `sorts`
    are {field, direction}.  What they name may be gone or changed since.
    """

    id: ViewId
    table_id: TableId
    name: str
    type: str
    config: Mapping[str, Json]
    filters: Sequence[Json]
    sorts: Sequence[Json]
    position: int
    created_by: str
    created_at: str
    updated_at: str
    version: int = 1
    deleted: bool = False


@dataclass(frozen=True)
class Table:
    """A table with all its fields, constraints and views, deleted ones too.

    `schema_seq` is the position of the last event that changed what a record of the
    table may be; values read against another one are read anew.  `public`: whether
    anybody may read it, by its slug.
    """

    id: TableId
    base_id: BaseId
    number: int
    name: str
    description: str | None
    position: int
    created_by: str
    created_at: str
    updated_at: str
    schema_seq: int
    version: int = 1
    deleted: bool = False
    slug: str = ""
    public: bool = False
    all_fields: Mapping[FieldId, Field] = field(default_factory=dict)
    all_constraints: Mapping[ConstraintId, Constraint] = field(default_factory=dict)
    all_views: Mapping[ViewId, View] = field(default_factory=dict)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The live fields in their order."""
        live = [one for one in self.all_fields.values() if not one.deleted]
        return tuple(sorted(live, key=lambda one: (one.position, one.id)))

    @cached_property
    def by_id(self) -> Mapping[str, Field]:
        return {one.id: one for one in self.fields}

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {one.name: one for one in self.fields}

    @cached_property
    def by_folded_name(self) -> Mapping[str, Field]:
        return {one.name.casefold(): one for one in self.fields}

    @cached_property
    def by_api_name(self) -> Mapping[str, Field]:
        return {one.api_name: one for one in self.fields}

    @cached_property
    def readers(self) -> Mapping[str, tuple[Field, Callable[[Any, Field], Value]]]:
        """By name and by id, a name first: a field with what reads its values."""
        found = {str(one.id): (one, one.kind.read) for one in self.fields}
        return found | {one.name: (one, one.kind.read) for one in self.fields}

    @cached_property
    def required(self) -> tuple[Field, ...]:
        return tuple(one for one in self.fields if one.required and one.kind.writable)

    @cached_property
    def users(self) -> tuple[Field, ...]:
        """The live fields that name members."""
        return tuple(one for one in self.fields if one.type == "user")

    @cached_property
    def attachments(self) -> tuple[Field, ...]:
        """The live fields that name files."""
        return tuple(one for one in self.fields if one.type == "attachment")

    @cached_property
    def other(self) -> Field | None:
        """The live field that holds whatever the table has no field for."""
        return next((one for one in self.fields if one.options.get("other")), None)

    @cached_property
    def links(self) -> tuple[Field, ...]:
        """All linked_record fields, deleted ones too."""
        return tuple(
            one for one in self.all_fields.values() if one.type == "linked_record"
        )

    @cached_property
    def columns(self) -> tuple[Field, ...]:
        """The fields that have a column, deleted ones too, by id."""
        stored = [one for one in self.all_fields.values() if one.column is not None]
        return tuple(sorted(stored, key=lambda one: one.id))

    @cached_property
    def column_ids(self) -> tuple[FieldId, ...]:
        return tuple(one.id for one in self.columns)

    @cached_property
    def primary(self) -> Field | None:
        return next((one for one in self.fields if one.primary), None)

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        return tuple(one for one in self.all_constraints.values() if not one.deleted)

    @cached_property
    def enforced(self) -> tuple[Constraint, ...]:
        return tuple(one for one in self.constraints if one.status == "active")

    @cached_property
    def pending(self) -> tuple[Constraint, ...]:
        return tuple(one for one in self.constraints if one.status == "pending")

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The live views in their order."""
        live = [one for one in self.all_views.values() if not one.deleted]
        return tuple(sorted(live, key=lambda one: (one.position, one.id)))

    def constraint_of(self, field_id: str) -> Constraint | None:
        return next((one for one in self.constraints if one.field_id == field_id), None)

    def find_field(self, name_or_id: str) -> Field | None:
        """A live field by its exact name, else by its id."""
        return self.by_name.get(name_or_id) or self.by_id.get(name_or_id)


@dataclass(frozen=True)
class Webhook:
    """Events told to an address (`outgoing`), or records made of what is sent here
    (`incoming`), for a table or, without one, for the workspace.

    Address and headers are the vault's row `target_id`; `origin` is all of the address
    that is known here.  `mappings`: a field's id by the name that senders have for it.
    `reason`: why the system turned it off.  `renewed`: its secret is in the vault; not
    so after its deletion, also where that was taken back.
    """

    id: WebhookId
    table_id: TableId | None
    name: str
    kind: str
    events: Sequence[str]
    mappings: Mapping[str, str]
    target_id: str | None
    origin: str | None
    enabled: bool
    paused: bool
    reason: str | None
    renewed: bool
    created_by: str
    created_at: str
    updated_at: str
    version: int = 1
    deleted: bool = False


def _frozen() -> Mapping[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Catalog:
    """One workspace but for its records.  `seq` is its last catalogue event's."""

    id: WorkspaceId
    seq: int = 0
    workspace: Workspace | None = None
    members: Mapping[UserId, Member] = field(default_factory=_frozen)
    bases: Mapping[BaseId, Base] = field(default_factory=_frozen)
    tables: Mapping[TableId, Table] = field(default_factory=_frozen)
    webhooks: Mapping[WebhookId, Webhook] = field(default_factory=_frozen)

    def role_of(self, user_id: str) -> Role | None:
        if self.workspace is None or self.workspace.deleted:
            return None
        member = self.members.get(UserId(user_id))
        return None if member is None or member.deleted else member.role

    @property
    def owners(self) -> tuple[Member, ...]:
        """Those who own the workspace, the longest-standing first."""
        owning = [
            one
            for one in self.members.values()
            if one.role is Role.owner and not one.deleted
        ]
        return tuple(sorted(owning, key=lambda one: (one.created_at, one.id)))

    @property
    def owner_id(self) -> UserId:
        """Who made the workspace, while an owner; else its longest-standing owner."""
        made_by = self.live_workspace().owner_id
        owning = [one.user_id for one in self.owners]
        return made_by if made_by in owning or not owning else owning[0]

    @property
    def content_base(self) -> Base | None:
        """Where a table goes that is made as an object type of no base in particular:
        the base of this `db_name`, else the oldest of this name."""
        live = [one for one in self.bases.values() if not one.deleted]
        named = [one for one in live if one.name == CONTENT]
        found = [one for one in live if one.db_name == CONTENT.lower()] or named
        return min(found, key=lambda one: (one.created_at, one.id), default=None)

    @cached_property
    def table_of_field(self) -> Mapping[str, Table]:
        return {
            field_id: table
            for table in self.tables.values()
            for field_id in table.all_fields
        }

    @cached_property
    def table_by_number(self) -> Mapping[int, Table]:
        return {table.number: table for table in self.tables.values()}

    def live_workspace(self) -> Workspace:
        if self.workspace is None or self.workspace.deleted:
            raise NotFound("Workspace not found")
        return self.workspace

    def live_base(self, base_id: str) -> Base:
        base = self.bases.get(BaseId(base_id))
        if base is None or base.deleted:
            raise NotFound("Base not found").because_of(base_id)
        return base

    def live_table(self, table_id: str) -> Table:
        table = self.tables.get(TableId(table_id))
        if table is None or table.deleted:
            raise NotFound("Table not found").because_of(table_id)
        return table

    def live_field(self, field_id: str) -> Field:
        table = self.table_of_field.get(field_id)
        found = None if table is None else table.by_id.get(field_id)
        if table is None or table.deleted or found is None:
            raise NotFound("Field not found").because_of(field_id)
        return found

    def live_constraint(self, constraint_id: str) -> Constraint:
        for table in self.tables.values():
            found = table.all_constraints.get(ConstraintId(constraint_id))
            if found is not None and not found.deleted and not table.deleted:
                return found
        raise NotFound("Constraint not found")

    def live_view(self, view_id: str) -> View:
        for table in self.tables.values():
            found = table.all_views.get(ViewId(view_id))
            if found is not None and not found.deleted and not table.deleted:
                return found
        raise NotFound("View not found")

    @cached_property
    def live_webhooks(self) -> tuple[Webhook, ...]:
        """Those of the workspace and of its live tables, oldest first; none where the
        workspace is deleted."""
        if self.workspace is None or self.workspace.deleted:
            return ()
        live = [one for one in self.webhooks.values() if self._is_live(one)]
        return tuple(sorted(live, key=lambda one: (one.created_at, one.id)))

    def _is_live(self, webhook: Webhook) -> bool:
        table_id = webhook.table_id
        of_table = table_id is None or not self.tables[table_id].deleted
        return of_table and not webhook.deleted

    def live_webhook(self, webhook_id: str) -> Webhook:
        found = self.webhooks.get(WebhookId(webhook_id))
        gone = self.workspace is None or self.workspace.deleted
        if found is None or gone or not self._is_live(found):
            raise NotFound("Webhook not found").because_of(webhook_id)
        return found

    def version_of(self, stream_id: str) -> int:
        """The version of anything in the catalogue; 0 for what is not there yet."""
        table = self.table_of_field.get(stream_id)
        found: Any
        if table is not None:
            found = table.all_fields[FieldId(stream_id)]
        elif stream_id == self.id:
            found = self.workspace
        else:
            found = (
                self.tables.get(TableId(stream_id))
                or self.bases.get(BaseId(stream_id))
                or self._by_stream.get(stream_id)
            )
        return 0 if found is None else found.version

    @cached_property
    def _by_stream(self) -> Mapping[str, "Member | Constraint | View | Webhook"]:
        found: dict[str, Member | Constraint | View | Webhook] = {
            member.id: member for member in self.members.values()
        }
        found.update((one.id, one) for one in self.webhooks.values())
        for table in self.tables.values():
            found.update((one.id, one) for one in table.all_constraints.values())
            found.update((one.id, one) for one in table.all_views.values())
        return found

    def tables_of(self, base_id: str) -> tuple[Table, ...]:
        live = [
            table
            for table in self.tables.values()
            if table.base_id == base_id and not table.deleted
        ]
        return tuple(sorted(live, key=lambda table: (table.position, table.id)))

    def with_table(self, table: Table) -> "Catalog":
        return replace(self, tables={**self.tables, table.id: table})

    def with_field(self, changed: Field, seq: int) -> "Catalog":
        table = self.tables[changed.table_id]
        fields = {**table.all_fields, changed.id: changed}
        return self.with_table(replace(table, all_fields=fields, schema_seq=seq))

    def with_constraint(self, changed: Constraint, seq: int) -> "Catalog":
        table = self.tables[changed.table_id]
        constraints = {**table.all_constraints, changed.id: changed}
        return self.with_table(
            replace(table, all_constraints=constraints, schema_seq=seq)
        )

    def with_view(self, changed: View) -> "Catalog":
        """A view is no part of what a record of the table may be: its schema stays."""
        table = self.tables[changed.table_id]
        views = {**table.all_views, changed.id: changed}
        return self.with_table(replace(table, all_views=views))
