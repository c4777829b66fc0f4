"""What PyBase's clients send, but for records, whose shape a table decides.

Both spellings of the facts are taken: `field_type` beside `type`, `is_required` beside
`required`.  Unknown keys are passed over: a client can neither set an id nor a role by
naming one.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from domain.values import well_formed


def _storable(text: str) -> str:
    if not well_formed(text):
        raise ValueError("has a character that cannot be stored")
    return text


def _named(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Text = Annotated[str, AfterValidator(_storable), Field(max_length=10_000)]
Name = Annotated[
    str,
    AfterValidator(_storable),
    AfterValidator(_named),
    Field(min_length=1, max_length=255),
]
Password = Annotated[str, Field(max_length=1_000_000)]
Id = Annotated[str, Field(max_length=200)]
RoleName = Literal["viewer", "commenter", "editor", "admin", "owner"]


class Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class Register(Shape):
    email: Annotated[str, Field(max_length=254)]
    password: Password
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
    new_password: Password


class UpdateUser(Shape):
    name: Name | None = None


class CreateApiKey(Shape):
    """Without `scopes` a key may what its owner may; without `expires_at` it stays."""

    name: Name | None = None
    expires_at: Annotated[str, Field(max_length=100)] | None = None
    scopes: (
        Annotated[
            list[Literal["read", "write", "admin"]], Field(min_length=1, max_length=3)
        ]
        | None
    ) = None


class CreateWorkspace(Shape):
    name: Name
    slug: Text | None = None
    description: Text | None = None


class UpdateWorkspace(Shape):
    name: Name | None = None
    slug: Text | None = None
    description: Text | None = None


class AddMember(Shape):
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
    name: Name | None = None
    description: Text | None = None
    icon: Annotated[Text, Field(max_length=255)] | None = None


class DuplicateBase(Shape):
    name: Name | None = None
    with_records: bool = True


class TableField(Shape):
    name: Name
    type: Annotated[str, Field(validation_alias=AliasChoices("type", "field_type"))]
    options: dict[str, Any] | None = None
    required: Annotated[
        bool, Field(validation_alias=AliasChoices("required", "is_required"))
    ] = False
    description: Text | None = None


class CreateTable(Shape):
    base_id: Id
    name: Name
    description: Text | None = None
    fields: Annotated[list[TableField], Field(max_length=400)] = []


class UpdateTable(Shape):
    name: Name | None = None
    description: Text | None = None


class CreateField(TableField):
    table_id: Id


class UpdateField(Shape):
    name: Name | None = None
    type: Annotated[
        str | None, Field(validation_alias=AliasChoices("type", "field_type"))
    ] = None
    description: Text | None = None
    required: Annotated[
        bool | None, Field(validation_alias=AliasChoices("required", "is_required"))
    ] = None
    options: dict[str, Any] | None = None


class ReorderFields(Shape):
    table_id: Id
    field_ids: Annotated[list[Id], Field(min_length=1, max_length=400)]


class CreateConstraint(Shape):
    field_id: Id
    case_sensitive: bool = True
    error_message: Annotated[Text, Field(max_length=1000)] | None = None


class UpdateConstraint(Shape):
    status: Literal["active", "disabled"] | None = None
    case_sensitive: bool | None = None
    error_message: Annotated[Text, Field(max_length=1000)] | None = None


class CreateRecord(Shape):
    table_id: Id
    fields: dict[str, Any]


class UpdateRecord(Shape):
    fields: dict[str, Any]


class NewRecord(Shape):
    fields: dict[str, Any]


class RecordUpdate(Shape):
    record_id: Id
    fields: dict[str, Any]


class CreateRecords(Shape):
    table_id: Id
    records: list[NewRecord]


class UpdateRecords(Shape):
    table_id: Id
    updates: list[RecordUpdate]


class DeleteRecords(Shape):
    table_id: Id
    record_ids: list[Id]


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
    name: Name | None = None
    type: Annotated[
        ViewType | None, Field(validation_alias=AliasChoices("type", "view_type"))
    ] = None
    config: Annotated[dict[str, Any] | None, Field(validation_alias=_CONFIG)] = None
    filters: list[Any] | dict[str, Any] | None = None
    sorts: list[Any] | None = None


class DuplicateView(Shape):
    name: Name | None = None


class ReorderViews(Shape):
    table_id: Id
    view_ids: Annotated[list[Id], Field(max_length=1000)]


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
    limit: int | None = None
    offset: int | None = None
    page: int | None = None
    page_size: int | None = None
    fields: Annotated[list[Name], Field(max_length=400)] | None = None


class SubmitForm(Shape):
    fields: dict[str, Any]
