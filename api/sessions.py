"""The session of a browser: a cookie that reads, and nothing else.

Signing in sets it beside the tokens of the reply.  It goes only to the paths of Table
REST, which has no writes; no door that writes looks at a cookie, so there is nothing
that another page could make a browser do.  It is a token of its own, ends with the
session it names, and is refused everywhere else.
"""

from dataclasses import replace
from http.cookies import CookieError, SimpleCookie

from api.auth import Tokens
from commands.settings import Settings
from commands.unit import Reply
from domain.errors import Unauthenticated
from projections.reader import Caller

NAME = "tabellion_session"
PATH = "/api/workspace"


class SessionCookies:
    def __init__(self, settings: Settings) -> None:
        self._tokens = Tokens(settings.secret_key.get_secret_value(), "browser")
        self._seconds = settings.refresh_token_days * 86_400
        safe = "; Secure" if settings.base_url.startswith("https://") else ""
        path = f"{settings.mount('tables')}{PATH}"
        self._rest = f"; Path={path}; HttpOnly; SameSite=Lax{safe}"

    def set(self, reply: Reply, user_id: str, session_id: str) -> Reply:
        """The reply with a cookie for the session."""
        token = self._tokens.make("access", user_id, session_id, self._seconds)
        return self._with(reply, f"{NAME}={token}; Max-Age={self._seconds}")

    def cleared(self, reply: Reply) -> Reply:
        return self._with(reply, f"{NAME}=; Max-Age=0")

    def _with(self, reply: Reply, cookie: str) -> Reply:
        headers = {**reply.headers, "set-cookie": cookie + self._rest}
        return replace(reply, headers=headers)

    def caller(self, header: bytes) -> Caller | None:
        """Whom a `Cookie` header names; None where it has no session.

        Raises Unauthenticated for one that is none of ours.
        """
        try:
            found = SimpleCookie(header.decode("latin-1")).get(NAME)
        except CookieError as error:
            raise Unauthenticated() from error
        return self._tokens.caller(found.value) if found and found.value else None
