"""Registration and log-in: a user and a token.

The token is all that a client of the CMS has: it is good for as many hours as the
settings say, and ends before that where its session does.
"""

import orjson

from api.accounts import SignedUp, SignUp, myself, register, sign_in
from api.auth import Tokens
from api.cms import present, shapes
from api.guesses import Guesses
from api.http import Reply, Request, json_reply
from commands import accounts, usernames
from commands.accounts import Account
from commands.system import System, new_id
from domain.errors import Forbidden, Invalid


class Accounts:
    """The handlers that make tokens."""

    def __init__(self, tokens: Tokens, guesses: Guesses | None = None) -> None:
        self._tokens, self._guesses = tokens, guesses

    async def signed_in(self, system: System, me: Account) -> bytes:
        """A user and a token, for somebody whom another provider vouches for."""
        session_id = new_id()
        await accounts.start_session(
            system.reader, me.user_id, session_id, system.settings.cms_token_hours
        )
        return self._signed_in(system, me, session_id)

    def _signed_in(self, system: System, me: Account, session_id: str) -> bytes:
        seconds = system.settings.cms_token_hours * 3600
        token = self._tokens.make("access", me.user_id, session_id, seconds)
        return orjson.dumps({"user": present.person(me), "token": token})

    async def register(self, system: System, request: Request) -> Reply:
        wanted = request.shape(shapes.Register)
        check_username(wanted.username)

        def opens(me: Account) -> SignedUp:
            session_id = new_id()
            hours = system.settings.cms_token_hours
            return SignedUp(
                session_id,
                self._signed_in(system, me, session_id),
                [accounts.new_short_session(me.user_id, session_id, hours)],
            )

        sign_up = SignUp(
            wanted.email, wanted.password, wanted.full_name, wanted.username
        )
        reply, _, _ = await register(system, request, sign_up, opens, self._guesses)
        return reply

    async def login(self, system: System, request: Request) -> Reply:
        wanted = request.shape(shapes.Login)
        signed_in = await sign_in(
            system, request, wanted.email, wanted.password, self._guesses
        )
        me, _ = signed_in
        session_id = new_id()
        await accounts.open_short_session(
            system.reader, signed_in, session_id, system.settings.cms_token_hours
        )
        return Reply(200, self._signed_in(system, me, session_id))


async def logout(system: System, request: Request) -> Reply:
    """Ends the token's session: the token is good for nothing from then on."""
    if request.who.scopes is not None:
        raise Forbidden("An API key does not log out: delete it")
    await myself(system, request)
    await accounts.end_session(system.reader, request.who.session_id)
    return json_reply({"logged_out": True})


def check_username(username: str | None) -> None:
    """Raises Invalid for what cannot be one."""
    if username is not None and not usernames.is_username(username):
        raise Invalid(
            f"A username has 1 to {usernames.MOST} letters, digits, points, dashes and"
            " underscores, and begins with a letter or a digit",
            errors=[{"loc": ["username"], "msg": "no username", "type": "value_error"}],
        )
