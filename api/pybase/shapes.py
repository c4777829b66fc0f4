"""What PyBase's clients send, but for records, whose shape a table decides.

Both spellings of the facts are taken: `field_type` beside `type`, `is_required` beside
`required`.  Unknown keys are passed over, but in webhooks: a client can neither set an
id nor a role by naming one.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import AliasChoices, ConfigDict, Field

from api.shapes import (
    NEVER_NULL,
    ExactShape,
    Id,
    Name,
    NewPassword,
    Password,
    Shape,
    Text,
    told,
)
from commands.webhooks import MAX_HEADERS
from domain.values.registry import FIELD_TYPES
from domain.webhook import MAX_KEY, MAX_MAPPINGS, OF_CONTENT, OF_TABLES
from projections.query import MAX_LIMIT, MAX_OFFSET

Slug = Annotated[Text, told(pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
TypeName = Annotated[str, told(enum=sorted(FIELD_TYPES))]
RoleName = Literal["viewer", "commenter", "editor", "admin", "owner"]


class Sent(Shape):
    """What an incoming webhook is sent: values by the sender's keys, or by the names of
    fields where none are mapped.  Keys that are no field's are passed over."""

    model_config = ConfigDict(extra="allow")


class Register(Shape):
    email: Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]
    password: NewPassword
    name: Name | None = None


class Login(Shape):
    email: Annotated[str, Field(max_length=1000)]
    password: Password


class Refresh(Shape):
    refresh_token: Annotated[str, Field(max_length=10_000)]


class ChangePassword(Shape):
    current_password: Annotated[
        Password,
        Field(validation_alias=AliasChoices("current_password", "old_password")),
    ]
    new_password: NewPassword


class UpdateUser(Shape):
    name: Name | None = None


class CreateAccessToken(Shape):
    """For the caller, or, by an administrator, for another member; without
    `expires_at` it stays."""

    name: Name | None = None
    user_id: Id | None = None
    expires_at: (
        Annotated[str, Field(max_length=100, json_schema_extra={"format": "date-time"})]
        | None
    ) = None


class CreateApiKey(Shape):
    """Without `scopes` a key may what its owner may; without `expires_at` it stays."""

    name: Name | None = None
    expires_at: (
        Annotated[str, Field(max_length=100, json_schema_extra={"format": "date-time"})]
        | None
    ) = None
    scopes: (
        Annotated[
            list[Literal["read", "write", "admin"]], Field(min_length=1, max_length=3)
        ]
        | None
    ) = None


class CreateWorkspace(Shape):
    name: Name
    slug: Slug | None = None
    description: Text | None = None


class UpdateWorkspace(Shape):
    name: Annotated[Name | None, NEVER_NULL] = None
    slug: Annotated[Slug | None, NEVER_NULL] = None
    description: Text | None = None


class AddMember(Shape):
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"type": "string"}}}
                for name in ("user_id", "email")
            ]
        }
    )
    user_id: Id | None = None
    email: Annotated[Text, Field(max_length=254)] | None = None
    role: RoleName = "viewer"


class UpdateMember(Shape):
    role: RoleName


class CreateBase(Shape):
    workspace_id: Id
    name: Name
    description: Text | None = None
    icon: Annotated[Text, Field(max_length=255)] | None = None


class UpdateBase(Shape):
    name: Annotated[Name | None, NEVER_NULL] = None
    description: Text | None = None
    icon: Annotated[Text, Field(max_length=255)] | None = None


class DuplicateBase(Shape):
    name: Name | None = None
    with_records: bool = True


class TableField(Shape):
    name: Name
    type: Annotated[
        TypeName, Field(validation_alias=AliasChoices("type", "field_type"))
    ]
    options: dict[str, Any] | None = None
    required: Annotated[
        bool, Field(validation_alias=AliasChoices("required", "is_required"))
    ] = False
    description: Text | None = None


class CreateTable(Shape):
    base_id: Id
    name: Name
    description: Text | None = None
    fields: list[TableField] = Field([], max_length=400)


class UpdateTable(Shape):
    name: Annotated[Name | None, NEVER_NULL] = None
    description: Text | None = None


class CreateField(TableField):
    table_id: Id


class UpdateField(Shape):
    """`force`: values that do not convert to another type, or whose choice is removed,
    become empty."""

    name: Annotated[Name | None, NEVER_NULL] = None
    type: Annotated[
        TypeName | None,
        NEVER_NULL,
        Field(validation_alias=AliasChoices("type", "field_type")),
    ] = None
    description: Text | None = None
    required: Annotated[
        bool | None,
        NEVER_NULL,
        Field(validation_alias=AliasChoices("required", "is_required")),
    ] = None
    options: Annotated[dict[str, Any] | None, NEVER_NULL] = None
    force: bool = False


class ReorderFields(Shape):
    table_id: Id
    field_ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=400, json_schema_extra={"uniqueItems": True}),
    ]


class CreateConstraint(Shape):
    field_id: Id
    case_sensitive: bool = True
    error_message: Annotated[Text, Field(max_length=1000)] | None = None


class UpdateConstraint(Shape):
    status: Annotated[Literal["active", "disabled"] | None, NEVER_NULL] = None
    case_sensitive: Annotated[bool | None, NEVER_NULL] = None
    error_message: Annotated[Text, Field(max_length=1000)] | None = None


class CreateRecord(Shape):
    table_id: Id
    fields: dict[str, Any]


class UpdateRecord(Shape):
    fields: Annotated[dict[str, Any], told(minProperties=1)]


class NewRecord(Shape):
    fields: dict[str, Any]


class RecordUpdate(Shape):
    record_id: Id
    fields: dict[str, Any]


class CreateRecords(Shape):
    table_id: Id
    records: Annotated[list[NewRecord], told(minItems=1)]


class UpdateRecords(Shape):
    table_id: Id
    updates: Annotated[list[RecordUpdate], told(minItems=1)]


class DeleteRecords(Shape):
    table_id: Id
    record_ids: Annotated[list[Id], told(minItems=1)]


class ExportRecords(Shape):
    """Each may stand in the query instead."""

    table_id: Id | None = None
    format: Literal["csv", "json"] | None = None
    filter: dict[str, Any] | list[Any] | None = None
    sort: list[Any] | None = None
    fields: list[str] | str | None = None


ViewType = Literal["grid", "kanban", "calendar", "gallery", "form", "gantt", "timeline"]
_CONFIG = AliasChoices(
    "config", "type_config", *(f"{name}_config" for name in get_args(ViewType))
)


class CreateView(Shape):
    table_id: Id
    name: Name
    type: Annotated[
        ViewType, Field(validation_alias=AliasChoices("type", "view_type"))
    ] = "grid"
    config: Annotated[dict[str, Any] | None, Field(validation_alias=_CONFIG)] = None
    filters: list[Any] | dict[str, Any] | None = None
    sorts: list[Any] | None = None


class UpdateView(Shape):
    name: Annotated[Name | None, NEVER_NULL] = None
    type: Annotated[
        ViewType | None,
        NEVER_NULL,
        Field(validation_alias=AliasChoices("type", "view_type")),
    ] = None
    config: Annotated[dict[str, Any] | None, Field(validation_alias=_CONFIG)] = None
    filters: list[Any] | dict[str, Any] | None = None
    sorts: list[Any] | None = None


class DuplicateView(Shape):
    name: Name | None = None


class ReorderViews(Shape):
    table_id: Id
    view_ids: Annotated[
        list[Id], Field(max_length=1000, json_schema_extra={"uniqueItems": True})
    ]


REF = r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$"
Size = Annotated[int, told(minimum=1, maximum=MAX_LIMIT)]


class ViewData(Shape):
    """What is left out is as the view has it."""

    filters: Annotated[
        list[Any] | dict[str, Any] | None,
        Field(validation_alias=AliasChoices("filter", "filters", "override_filters")),
    ] = None
    sorts: Annotated[
        list[Any] | None,
        Field(validation_alias=AliasChoices("sort", "sorts", "override_sorts")),
    ] = None
    search: Annotated[Text, Field(max_length=1000)] | None = None
    limit: Size | None = None
    offset: Annotated[int, told(minimum=0, maximum=MAX_OFFSET)] | None = None
    page: Annotated[int, told(minimum=1, maximum=MAX_OFFSET + 1)] | None = None
    page_size: Size | None = None
    fields: Annotated[list[Name], Field(max_length=400)] | None = None


class SubmitForm(Shape):
    fields: dict[str, Any]


class Operation(Shape):
    """A write as it is alone: `path` is what follows /api/v1, with its query.

    `$name.id`, as a whole value or key of `body` or within `path`, is the id of what
    the earlier operation with that `ref` makes; `$$name.id` is the text `$name.id`.
    """

    method: Annotated[str, Field(max_length=20), told(enum=["POST", "PATCH", "DELETE"])]
    path: Annotated[str, Field(max_length=65_535), told(pattern="^/")]
    body: dict[str, Any] | None = None
    ref: Annotated[str, Field(pattern=REF)] | None = None


class CommitBatch(Shape):
    workspace_id: Id
    operations: Annotated[list[Operation], told(minItems=1, maxItems=1000)]


WebhookUrl = Annotated[Text, told(pattern="^https?://", maxLength=2048)]
WebhookEvents = Annotated[
    list[Annotated[str, told(enum=[*OF_TABLES, *OF_CONTENT])]], Field(max_length=100)
]
WebhookHeaders = Annotated[dict[Text, Text], told(maxProperties=MAX_HEADERS)]
WebhookMappings = Annotated[
    dict[Annotated[Text, Field(min_length=1, max_length=MAX_KEY)], Name],
    Field(max_length=MAX_MAPPINGS),
]


class CreateWebhook(ExactShape):
    """Of a table, or, outgoing ones, of a workspace.  Outgoing: `url`, `events`,
    `headers`; incoming: `field_mappings`, a field's name or id by the sender's name."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [name], "properties": {name: {"type": "string"}}}
                for name in ("table_id", "workspace_id")
            ]
        }
    )
    table_id: Id | None = None
    workspace_id: Id | None = None
    name: Name
    type: Literal["outgoing", "incoming"]
    url: WebhookUrl | None = None
    events: WebhookEvents | None = None
    headers: WebhookHeaders | None = None
    field_mappings: WebhookMappings | None = None
    is_enabled: bool = True
    is_paused: bool = False


class TestWebhook(Shape):
    """`payload`: whatever the message's data are to hold."""

    payload: Any = None


class UpdateWebhook(ExactShape):
    """`headers` and `field_mappings` are put whole; a header that is `********` stays
    as it is.  What a webhook is of and its type never change."""

    name: Annotated[Name | None, NEVER_NULL] = None
    url: Annotated[WebhookUrl | None, NEVER_NULL] = None
    events: Annotated[WebhookEvents | None, NEVER_NULL] = None
    headers: WebhookHeaders | None = None
    field_mappings: WebhookMappings | None = None
    is_enabled: Annotated[bool | None, NEVER_NULL] = None
    is_paused: Annotated[bool | None, NEVER_NULL] = None


Position = Annotated[int, Field(ge=1, le=10**18 - 1)]


class ReplayWebhook(ExactShape):
    """Both positions are in the range; without `to_position` it ends where the
    workspace is now.  `all`: also what was never sent, 10,000 events at the most."""

    from_position: Position
    to_position: Position | None = None
    only: Literal["failed", "all"] = "failed"
