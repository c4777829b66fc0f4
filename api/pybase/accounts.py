"""Registration, log-in, tokens and the caller's own profile."""

from dataclasses import replace

import orjson

from api.accounts import (
    SignedUp,
    SignUp,
    change_profile,
    myself,
    register,
    sign_in,
)
from api.auth import Tokens
from api.guesses import Guesses
from api.http import Reply, Request, json_reply
from api.pybase import present, shapes
from api.sessions import SessionCookies
from api.writing import committed, once_with_password, reply_of
from commands import accounts
from commands.system import System, new_id
from commands.write import Prepared, refusing, submit_to_instance
from domain.errors import Forbidden, Malformed, Unauthenticated
from domain.ids import UserId
from domain.user import ChangePassword


class Accounts:
    """The handlers that make and read tokens."""

    def __init__(
        self, tokens: Tokens, cookies: SessionCookies, guesses: Guesses | None = None
    ) -> None:
        self._tokens, self._cookies, self._guesses = tokens, cookies, guesses

    def _pair(
        self, system: System, user_id: str, session_id: str
    ) -> dict[str, str | int]:
        settings = system.settings
        seconds = settings.access_token_minutes * 60
        days = settings.refresh_token_days
        return {
            "access_token": self._tokens.make("access", user_id, session_id, seconds),
            "refresh_token": self._tokens.make(
                "refresh", user_id, session_id, days * 86_400
            ),
            "token_type": "bearer",
            "expires_in": seconds,
        }

    async def register(self, system: System, request: Request) -> Reply:
        wanted = request.shape(shapes.Register)

        def opens(me: accounts.Account) -> SignedUp:
            session_id = new_id()
            pair = self._pair(system, me.user_id, session_id)
            return SignedUp(
                session_id,
                orjson.dumps({"user": present.user(me), **pair}),
                accounts.new_session(
                    me.user_id,
                    session_id,
                    str(pair["refresh_token"]),
                    system.settings.refresh_token_days,
                ),
            )

        sign_up = SignUp(wanted.email, wanted.password, wanted.name)
        reply, user_id, session_id = await register(
            system, request, sign_up, opens, self._guesses
        )
        return self._cookies.set(reply, user_id, session_id)

    async def login(self, system: System, request: Request) -> Reply:
        wanted = request.shape(shapes.Login)
        signed_in = await sign_in(
            system, request, wanted.email, wanted.password, self._guesses
        )
        me, _ = signed_in
        session_id = new_id()
        pair = self._pair(system, me.user_id, session_id)
        await accounts.open_session(
            system.reader,
            signed_in,
            session_id,
            str(pair["refresh_token"]),
            system.settings.refresh_token_days,
        )
        reply = json_reply({**pair, "user": present.user(me)})
        return self._cookies.set(reply, me.user_id, session_id)

    async def refresh(self, system: System, request: Request) -> Reply:
        wanted = request.shape(shapes.Refresh)
        claims = self._tokens.read("refresh", wanted.refresh_token)
        pair = self._pair(system, claims.user_id, claims.session_id)
        await accounts.rotate(
            system.reader,
            claims.session_id,
            wanted.refresh_token,
            str(pair["refresh_token"]),
            system.settings.refresh_token_days,
        )
        reply = json_reply(pair)
        return self._cookies.set(reply, claims.user_id, claims.session_id)

    async def logout(self, system: System, request: Request) -> Reply:
        """Ends the bearer's session; a refresh token in the body must be its own."""
        if request.who.scopes is not None:
            raise Forbidden("An API key does not log out: delete it")
        await accounts.account(
            system.reader, request.who.user_id, request.who.session_id
        )
        if request.body.strip():
            token = request.object.get("refresh_token")
            if isinstance(token, str):
                claims = self._tokens.read("refresh", token)
                if claims.user_id != request.who.user_id:
                    raise Unauthenticated()
                await accounts.end_session(system.reader, claims.session_id)
        await accounts.end_session(system.reader, request.who.session_id)
        return self._cookies.cleared(Reply(204, b""))

    async def change_password(self, system: System, request: Request) -> Reply:
        """The session that asks stays; every other one ends with the old password."""
        wanted = request.shape(shapes.ChangePassword)
        accounts.check_password(wanted.new_password, "new_password")
        key = once_with_password(system, request)
        user_id = UserId(request.who.user_id)
        if self._guesses is not None:
            await self._guesses.guess(user_id, request.address)
        try:
            await accounts.confirm_password(
                system.reader, request.who, wanted.current_password
            )
        except Malformed as error:
            if key is None:
                raise
            # a repetition brings the password of before: its key is looked up first
            prepared = Prepared((), refusing(error))
        else:
            password_hash = await accounts.hash_password(wanted.new_password)
            prepared = Prepared(
                [ChangePassword(user_id)],
                lambda outcome: committed(outcome, 204, b""),
                vault=accounts.new_password(
                    user_id, password_hash, request.who.session_id
                ),
            )
        return reply_of(
            await submit_to_instance(system, request.origin(), prepared, key)
        )


async def me(system: System, request: Request) -> Reply:
    return json_reply(present.user(await myself(system, request)))


async def update_me(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.UpdateUser)
    known = await myself(system, request)
    after = replace(known, name=wanted.name or known.name)

    def show(account: accounts.Account) -> bytes:
        return orjson.dumps(present.user(account))

    return await change_profile(system, request, known, after, show)
