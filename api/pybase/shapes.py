"""What PyBase's clients send, but for records, whose shape a table decides.

Both spellings of the facts are taken: `field_type` beside `type`, `is_required` beside
`required`.  Unknown keys are passed over: a client can neither set an id nor a role by
naming one.
"""

from typing import Annotated, Any, Literal

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
