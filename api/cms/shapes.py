"""What the CMS's clients send.

Unknown keys are passed over: a client can neither set an id nor a role by naming one.
"""

from typing import Annotated, Any

from pydantic import Field

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


class UpdateProfile(Shape):
    full_name: Name | None = None
    username: Username | None = None
    avatar: Annotated[Text, Field(max_length=2000), told(format="uri")] | None = None


class CreateEntry(Shape):
    object_type_id: Id
    data: dict[str, Any]


class UpdateEntry(Shape):
    """What is named changes; null empties."""

    data: dict[str, Any]
