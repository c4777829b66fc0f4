"""The provider: asked for a token by a code, and by the token for who somebody is.

Its answers are read up to a size and for a time; no redirect is followed.  Its tokens
are used for this one question and kept nowhere.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import orjson

from commands.accounts import is_picture
from commands.oauth.redirects import origin_of, with_query
from commands.settings import Settings
from domain.errors import Busy, Forbidden, Malformed
from domain.values import well_formed
from domain.values.formats import is_email

if TYPE_CHECKING:
    import httpx2

SECONDS = 10.0  # for all that the provider is asked
LARGEST = 64 * 1024  # bytes of an answer
_LONGEST = 255  # characters of an id or an address
_LONGEST_NAME = 255
_HEADERS = {"accept": "application/json", "accept-encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the provider, for ever: an address may come to be another's."""

    provider: str
    subject: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider says somebody is."""

    identity: Identity
    email: str
    email_verified: bool
    name: str | None
    avatar: str | None


class CodeRefused(Malformed):
    """The provider did not take the code: begin again"""


class Provider:
    """One provider, as the settings name it."""

    def __init__(self, settings: Settings, client_id: str, authorize_url: str) -> None:
        self._settings = settings
        self._client_id, self._authorize_url = client_id, authorize_url
        self._token_url = settings.oauth_token_url or ""
        self._user_url = settings.oauth_user_url or ""
        self.name = origin_of(self._user_url) or self._user_url
        self._client: httpx2.AsyncClient | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """As the settings say; None where they name none."""
        if settings.oauth_client_id is None or settings.oauth_authorize_url is None:
            return None
        return cls(settings, settings.oauth_client_id, settings.oauth_authorize_url)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def address(self, callback: str, state: str, challenge: str) -> str:
        """Where a browser is sent to sign in."""
        return with_query(
            self._authorize_url,
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": callback,
                "scope": self._settings.oauth_scopes,
                "state": state,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            },
        )

    async def person(self, code: str, verifier: str, callback: str) -> Person:
        """Who signed in.  Raises CodeRefused, Busy where the provider does not answer,
        Forbidden where it does not tell an address."""
        import httpx2  # by those who have a provider: a start is quicker without it

        try:
            async with asyncio.timeout(SECONDS):
                token = await self._token(code, verifier, callback)
                told = await self._ask(
                    "GET", self._user_url, {"authorization": f"Bearer {token}"}
                )
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise Busy("The provider does not answer; try again") from error
        return person_of(self.name, told)

    async def _token(self, code: str, verifier: str, callback: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        secret = self._settings.oauth_client_secret
        if secret is not None:
            form["client_secret"] = secret.get_secret_value()
        told = await self._ask("POST", self._token_url, {}, form)
        token = told.get("access_token")
        # some answer 200 with an error
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise CodeRefused()
        return token

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(
                follow_redirects=False, timeout=SECONDS, trust_env=False
            )
        asking = self._client.stream(
            method, url, headers={**_HEADERS, **headers}, data=form
        )
        async with asking as reply:
            if 400 <= reply.status_code < 500:
                raise CodeRefused()
            if reply.status_code != 200 or "content-encoding" in reply.headers:
                raise ValueError("no answer to a question")
            body = b""
            async for part in reply.aiter_raw():
                body += part
                if len(body) > LARGEST:
                    raise ValueError("too long an answer")
        found = orjson.loads(body)
        if not isinstance(found, dict):
            raise ValueError("no object")
        return found


def person_of(provider: str, told: Mapping[str, Any]) -> Person:
    """What is told in the words of OpenID Connect, or of a few that are not it.

    An address is verified where the provider itself says so, never where its user does.
    """
    subject = told.get("sub", told.get("id"))
    if isinstance(subject, int) and not isinstance(subject, bool):
        subject = str(subject)
    email = told.get("email")
    if not _is_short_text(subject) or not isinstance(email, str):
        raise Forbidden(
            "The provider does not tell who you are and your e-mail address"
        )
    email = email.strip().lower()
    if not _is_short_text(email) or not is_email(email):
        raise Forbidden("The provider does not tell your e-mail address")
    picture = _text(told, "picture", "avatar_url")
    return Person(
        Identity(provider, str(subject)),
        email,
        _is_verified(told),
        _text(told, "name", "full_name"),
        picture if picture is not None and is_picture(picture) else None,
    )


def _is_verified(told: Mapping[str, Any]) -> bool:
    said = told.get("email_verified")
    # the other is when: the word of Supabase
    return said is True or said == "true" or bool(told.get("email_confirmed_at"))


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and well_formed(value)


def _text(told: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = told.get(name)
        if isinstance(value, str) and value.strip() and well_formed(value):
            return value.strip()[:_LONGEST_NAME]
    return None
