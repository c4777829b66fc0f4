"""A caller of the CMS over HTTP, with the few things that most tests make first."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.client import NOBODY, PASSWORD, Client, Json, made, new_email


class CmsClient(httpx2.Client):
    """Calls the CMS; after `register` as that user.  `made` checks for success."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=30, trust_env=False, verify=NOBODY)
        self.user: Json = {}

    def register(
        self, name: str = "Ada", email: str | None = None, **more: Any
    ) -> "CmsClient":
        body = {
            "email": email or new_email(name),
            "password": PASSWORD,
            "full_name": name,
        }
        return self._signed_in(made(self.post("/auth/register", json=body | more)))

    def login(self, email: str, password: str = PASSWORD) -> "CmsClient":
        """As somebody who is known already, by whichever door."""
        body = {"email": email, "password": password}
        return self._signed_in(made(self.post("/auth/login", json=body)))

    def _signed_in(self, reply: Json) -> "CmsClient":
        self.user = reply["user"]
        self.headers["authorization"] = f"Bearer {reply['token']}"
        return self

    @contextmanager
    def at_pybase(self, url: str) -> Iterator[Client]:
        """The same user at PyBase's door."""
        with Client(url) as client:
            body = {"email": self.user["email"], "password": PASSWORD}
            signed_in = made(client.post("/auth/login", json=body))
            client.user = signed_in["user"]
            client.refresh_token = signed_in["refresh_token"]
            client.headers["authorization"] = f"Bearer {signed_in['access_token']}"
            yield client

    def workspace(self, name: str = "My Blog", **more: Any) -> Json:
        found: Json = made(self.post("/workspaces", json={"name": name} | more))
        return found

    def object_type(
        self,
        *fields: Json | str,
        workspace_id: str | None = None,
        name: str = "Blog Post",
        **more: Any,
    ) -> Json:
        """A type with these field definitions (of a TEXT for a bare name), in a new
        workspace where none is named."""
        body = {
            "name": name,
            "workspace_id": workspace_id or self.workspace()["id"],
            "field_definitions": [_definition(one) for one in fields],
        }
        found: Json = made(self.post("/object-types", json=body | more))
        return found

    def entry(self, object_type_id: str, **data: Any) -> Json:
        body = {"object_type_id": object_type_id, "data": data}
        found: Json = made(self.post("/entries", json=body))
        return found


def _definition(field: Json | str) -> Json:
    return {"name": field, "type": "TEXT"} if isinstance(field, str) else field
