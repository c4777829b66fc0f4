"""Registration, log-in, tokens and the caller's own profile."""

import hmac
from hashlib import sha256

import orjson
from pydantic import EmailStr, TypeAdapter, ValidationError

from api.auth import Tokens
from api.http import Reply, Request, json_reply
from api.limits import Limits
from api.pybase import present, shapes
from api.sessions import SessionCookies
from api.writing import committed, once, once_with_password, reply_of
from commands import accounts
from commands.system import System, new_id, now, time_text
from commands.unit import Origin, Outcome
from commands.write import Prepared, refusing, submit_to_instance
from domain.errors import Forbidden, Invalid, Malformed, Unauthenticated
from domain.events import Actor
from domain.ids import UserId, uuid_text
from domain.user import ChangePassword, ChangeProfile, RegisterUser
from domain.values import well_formed

_EMAIL = TypeAdapter(EmailStr)


class Accounts:
    """The handlers that make and read tokens."""

    def __init__(
        self, tokens: Tokens, cookies: SessionCookies, limits: Limits | None = None
    ) -> None:
        self._tokens, self._cookies, self._limits = tokens, cookies, limits

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
        email = _check_email(wanted.email)
        accounts.check_password(wanted.password)
        name = wanted.name or email.partition("@")[0]
        key = accounts.email_key(email)
        user_id = _user_id(system, request, key)
        session_id = new_id()
        pair = self._pair(system, user_id, session_id)
        password_hash = await accounts.hash_password(wanted.password)
        me = accounts.Account(user_id, email, name, time_text(now()))

        def render(outcome: Outcome) -> Reply:
            body = orjson.dumps({"user": present.user(me), **pair})
            return committed(outcome, 201, body)

        done = await submit_to_instance(
            system,
            Origin(Actor("user", user_id), request.surface, request.request_id),
            Prepared(
                [RegisterUser(user_id, key)],
                render,
                vault=[
                    accounts.new_account(me, password_hash),
                    *accounts.new_session(
                        user_id,
                        session_id,
                        str(pair["refresh_token"]),
                        system.settings.refresh_token_days,
                    ),
                ],
            ),
            once_with_password(system, request, secret_id=user_id),
        )
        if self._limits is not None:
            await self._limits.right(key, request.address)
        return self._cookies.set(reply_of(done), user_id, session_id)

    async def login(self, system: System, request: Request) -> Reply:
        wanted = request.shape(shapes.Login)
        if not well_formed(wanted.email) or not well_formed(wanted.password):
            raise Invalid("The body has a character that cannot be stored")
        account = accounts.email_key(wanted.email)
        if self._limits is not None:
            await self._limits.guess(account, request.address)
        signed_in = await accounts.sign_in(system.reader, wanted.email, wanted.password)
        if self._limits is not None:
            await self._limits.right(account, request.address)
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
        if self._limits is not None:
            await self._limits.guess(user_id, request.address)
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


def _check_email(text: str) -> str:
    try:
        _EMAIL.validate_python(text)
    except ValidationError as error:
        raise Invalid(
            errors=[
                {
                    "loc": ["email"],
                    "msg": "not an e-mail address",
                    "type": "value_error",
                }
            ]
        ) from error
    return text.strip().lower()


def _user_id(system: System, request: Request, email_key: str) -> UserId:
    """A new id; with an idempotency key the one that its repetition gets too."""
    key = request.idempotency_key
    if key is None:
        return UserId(new_id())
    secret = system.settings.secret_key.get_secret_value().encode()
    digest = hmac.digest(secret, f"register\0{email_key}\0{key}".encode(), sha256)
    number = int.from_bytes(digest[:16])
    return UserId(uuid_text(number & ~(0xF << 76) & ~(3 << 62) | 8 << 76 | 2 << 62))


async def me(system: System, request: Request) -> Reply:
    found = await accounts.account(
        system.reader, request.who.user_id, request.who.session_id
    )
    return json_reply(present.user(found))


async def update_me(system: System, request: Request) -> Reply:
    wanted = request.shape(shapes.UpdateUser)
    known = await accounts.account(
        system.reader, request.who.user_id, request.who.session_id
    )
    name = wanted.name or known.name
    changed = ("name",) if name != known.name else ()
    after = accounts.Account(known.user_id, known.email, name, known.created_at)

    def render(outcome: Outcome) -> Reply:
        return committed(outcome, 200, orjson.dumps(present.user(after)))

    done = await submit_to_instance(
        system,
        request.origin(),
        Prepared(
            [ChangeProfile(UserId(known.user_id), changed)],
            render,
            vault=[accounts.renamed(known.user_id, name)],
        ),
        once(request),
    )
    return reply_of(done)
