"""What the CMS's clients send.

Unknown keys are passed over: a client can neither set an id nor a role by naming one.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.cms.fields import TYPES
from api.shapes import Id, Name, NewPassword, Password, Shape, Text, told
from commands import usernames

Username = Annotated[
    Text, told(pattern=usernames.PATTERN, minLength=1, maxLength=usernames.MOST)
]


class Register(Shape):
    email: Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]
    password: NewPassword
    full_name: Name | None = None
    username: Username | None = None


class Login(Shape):
    email: Annotated[str, Field(max_length=1000)]
    password: Password


class Exchange(Shape):
    """`code_verifier` where the sign-in began with a `code_challenge`; `password` where
    an account is to be linked."""

    code: Annotated[str, Field(min_length=1, max_length=200)]
    code_verifier: Annotated[str, Field(max_length=200)] | None = None
    password: Password | None = None


class UpdateProfile(Shape):
    full_name: Name | None = None
    username: Username | None = None
    avatar: Annotated[Text, Field(max_length=2000), told(format="uri")] | None = None


Status = Literal["Active", "Inactive", "Suspended"]
WorkspaceSlug = Annotated[
    Text, Field(max_length=63), told(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
]
Slug = Annotated[
    Text, Field(max_length=100), told(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$")
]


class CreateWorkspace(Shape):
    name: Name
    slug: WorkspaceSlug | None = None
    status: Status = "Active"


class UpdateWorkspace(Shape):
    """What is left out or null stays."""

    name: Name | None = None
    slug: WorkspaceSlug | None = None
    status: Status | None = None


FieldName = Annotated[
    Text, told(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", minLength=1, maxLength=63)
]


# an object type's id, the type itself, or "" as null
RelationTarget = Annotated[
    str,
    Field(
        max_length=200,
        json_schema_extra={"anyOf": [{"format": "uuid"}, {"enum": ["self", ""]}]},
    ),
]


class Definition(Shape):
    """`type`, the name and what goes with a type are checked by `api.cms.definitions`,
    which names the field; null is as what is left out."""

    display_name: Name | None = None
    type: Annotated[Text, told(enum=list(TYPES))] = "TEXT"
    required: bool | None = None
    multiple: bool | None = None
    placeholder: Annotated[Text, Field(max_length=1_000)] | None = None
    default_value: Any = None
    relation_to_id: RelationTarget | None = None
    private: bool | None = None


class FieldDefinition(Definition):
    name: FieldName


class ChangedDefinition(Definition):
    """Of a field that is there, by its `id` or its `name`, what is to be otherwise; of
    a new one all of it.  Beside an `id`, another `name` is a new one."""

    id: Id | None = None
    name: FieldName | None = None


class CreateObjectType(Shape):
    name: Name
    slug: Slug | None = None
    workspace_id: Id
    field_definitions: Annotated[list[FieldDefinition], Field(max_length=400)] = Field(
        default_factory=list
    )
    public: bool = True


class UpdateObjectType(Shape):
    """What is left out or null stays.  `remove_fields`: ids or names of fields."""

    name: Name | None = None
    slug: Slug | None = None
    public: bool | None = None
    field_definitions: Annotated[list[ChangedDefinition], Field(max_length=400)] = (
        Field(default_factory=list)
    )
    remove_fields: Annotated[list[Text], Field(max_length=400)] = Field(
        default_factory=list
    )


class CreateEntry(Shape):
    """`data` is read by `api.cms.data`, field by field."""

    object_type_id: Id
    data: dict[str, Any]


class UpdateEntry(Shape):
    """What is named changes, null empties, all else stays."""

    data: dict[str, Any]
