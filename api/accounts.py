"""Signing up, signing in and one's own profile, as every surface does them.

A surface says what its bodies look like, how long its sessions last and what a reply
holds; whether somebody may come in is said here, once.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeAlias

from pydantic import EmailStr, TypeAdapter, ValidationError

from api.guesses import Guesses
from api.http import Reply, Request
from api.writing import committed, once, once_with_password, reply_of
from commands import accounts, usernames
from commands.accounts import Account
from commands.system import System, new_id, now, time_text
from commands.unit import Done, Origin, Outcome, VaultWrite
from commands.write import Prepared, submit_to_instance
from domain.errors import Invalid, NameTaken
from domain.events import Actor
from domain.ids import UserId, uuid_text
from domain.user import ChangeProfile, RegisterUser
from domain.values import well_formed

_EMAIL = TypeAdapter(EmailStr)


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody registers with, as it came."""

    email: str
    password: str
    name: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A session of a new user: the reply's body, and what the vault keeps of it."""

    session_id: str
    body: bytes
    vault: Sequence[VaultWrite]


Opens: TypeAlias = Callable[[Account], SignedUp]


async def register(
    system: System,
    request: Request,
    wanted: SignUp,
    opens: Opens,
    guesses: Guesses | None,
) -> tuple[Reply, UserId, str]:
    """Makes an account and signs in: the reply, the user and the session.

    Raises Invalid for an address or a password that is none, Conflict for one that has
    an account, NameTaken for a username that somebody has.
    """
    email = check_email(wanted.email)
    accounts.check_password(wanted.password)
    key = accounts.email_key(email)
    user_id = _user_id(system, request, key)
    username = wanted.username or await accounts.usual_username(
        system.reader, email, user_id
    )
    at = time_text(now())
    name = wanted.name or email.partition("@")[0]
    me = Account(user_id, email, name, at, username, updated_at=at)
    password_hash = await accounts.hash_password(wanted.password)
    try:
        done, session_id = await _commit(system, request, me, password_hash, opens)
    except NameTaken:
        if wanted.username is not None:
            raise
        # somebody was quicker to get the usual one
        me = replace(me, username=usernames.derived_apart(email, user_id))
        done, session_id = await _commit(system, request, me, password_hash, opens)
    if guesses is not None:
        await guesses.right(key, request.address)
    return reply_of(done), user_id, session_id


async def _commit(
    system: System, request: Request, me: Account, password_hash: str, opens: Opens
) -> tuple[Done, str]:
    signed_up = opens(me)
    user_id = UserId(me.user_id)
    username = usernames.username_key(me.username)
    done = await submit_to_instance(
        system,
        Origin(Actor("user", user_id), request.surface, request.request_id),
        Prepared(
            [RegisterUser(user_id, accounts.email_key(me.email), username)],
            lambda outcome: committed(outcome, 201, signed_up.body),
            vault=[accounts.new_account(me, password_hash), *signed_up.vault],
        ),
        once_with_password(system, request, secret_id=user_id),
    )
    return done, signed_up.session_id


async def sign_in(
    system: System, request: Request, email: str, password: str, guesses: Guesses | None
) -> tuple[Account, str]:
    """The account of these credentials, and the hash that they agreed with.

    Raises Unauthenticated without saying which of the two is wrong, RateLimited for one
    guess too many.
    """
    if not well_formed(email) or not well_formed(password):
        raise Invalid("The body has a character that cannot be stored")
    account = accounts.email_key(email)
    if guesses is not None:
        await guesses.guess(account, request.address)
    signed_in = await accounts.sign_in(system.reader, email, password)
    if guesses is not None:
        await guesses.right(account, request.address)
    return signed_in


async def myself(system: System, request: Request) -> Account:
    """The caller's own account.  Raises Unauthenticated where the session ended."""
    who = request.who
    return await accounts.account(system.reader, who.user_id, who.session_id)


async def change_profile(
    system: System,
    request: Request,
    known: Account,
    after: Account,
    show: Callable[[Account], bytes],
) -> Reply:
    """Makes of an account's profile what it is to be.  Raises NameTaken."""
    changed = tuple(
        name
        for name in ("name", "username", "avatar")
        if getattr(after, name) != getattr(known, name)
    )
    if changed:
        after = replace(after, updated_at=time_text(now()))
    renamed = "username" in changed
    user_id = UserId(known.user_id)
    username = usernames.username_key(after.username) if renamed else None

    def render(outcome: Outcome) -> Reply:
        return committed(outcome, 200, show(after))

    done = await submit_to_instance(
        system,
        request.origin(),
        Prepared(
            [ChangeProfile(user_id, changed, username)],
            render,
            vault=[accounts.profile(after, changed)] if changed else [],
        ),
        once(request),
    )
    return reply_of(done)


def check_email(text: str) -> str:
    """An address that receives mail, in lower case.  Raises Invalid."""
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
