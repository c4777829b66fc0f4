"""Whose account a person is that the provider names: found, linked or made.

An account is known by the provider's id of it.  An e-mail address links only where the
provider says that it is verified, and then only to an account whose own address was
verified too, or whose password was said: who registered with another's address does
not get hold of what that one signs in to, nor the other way round.
"""

from dataclasses import replace

from psycopg import sql

from commands import accounts, usernames
from commands.accounts import Account
from commands.oauth.provider import Identity, Person
from commands.system import System, new_id, now, time_text
from commands.unit import Origin, VaultWrite
from commands.write import Prepared, submit_to_instance, unread
from domain.errors import Conflict, NameTaken
from domain.events import Actor, Surface
from domain.ids import UserId
from domain.user import ChangeProfile, RegisterUser

_TRIES = 3
TAKEN = (
    "An account has this e-mail address, and the provider does not say that it is"
    " yours: log in with the account's password"
)


class NeedsPassword(Exception):
    """An account has the address: its password links the two"""

    def __init__(self, user_id: str) -> None:
        super().__init__()
        self.user_id = user_id


async def account_of(
    system: System, person: Person, surface: Surface, request_id: str
) -> Account:
    """The person's account, with a new one where there is none.

    Raises Conflict where another has the address, NeedsPassword where the person may be
    that other.
    """
    for _ in range(_TRIES):
        known = await _known(system, person.identity)
        if known is not None:
            return known
        other = await accounts.find_by_email(system.reader, person.email)
        origin = _origin(other.user_id if other else new_id(), surface, request_id)
        if other is None:
            try:
                return await _registered(system, person, origin)
            except Conflict:
                continue  # somebody came in between: perhaps the same person
        if not person.email_verified:
            raise Conflict(TAKEN)
        if not other.email_verified:
            raise NeedsPassword(other.user_id)
        return await link(system, other, person.identity, origin)
    raise Conflict(TAKEN)


async def link(
    system: System, account: Account, identity: Identity, origin: Origin
) -> Account:
    """The account, which the identity signs in to from now on: its address is verified.

    The event says that this changed, not with whom.
    """
    at = time_text(now())
    after = replace(account, email_verified=True, updated_at=at)
    changed = ("email_verified", "identity")
    await submit_to_instance(
        system,
        origin,
        Prepared(
            [ChangeProfile(UserId(account.user_id), changed)],
            unread,
            vault=[
                accounts.profile(after, changed),
                _new_identity(identity, account.user_id),
            ],
        ),
    )
    return after


async def _registered(system: System, person: Person, origin: Origin) -> Account:
    at, user_id = time_text(now()), UserId(origin.actor.id)
    name = person.name or person.email.partition("@")[0]
    username = await accounts.usual_username(system.reader, person.email, user_id)
    me = Account(
        user_id,
        person.email,
        name,
        at,
        username,
        person.avatar,
        person.email_verified,
        at,
    )
    try:
        await _register(system, me, person.identity, origin)
    except NameTaken:
        me = replace(me, username=usernames.derived_apart(me.email, user_id))
        await _register(system, me, person.identity, origin)
    return me


async def _register(
    system: System, me: Account, identity: Identity, origin: Origin
) -> None:
    user_id = UserId(me.user_id)
    username = usernames.username_key(me.username)
    await submit_to_instance(
        system,
        origin,
        Prepared(
            [RegisterUser(user_id, accounts.email_key(me.email), username)],
            unread,
            vault=[
                accounts.new_account(me, None),
                _new_identity(identity, user_id),
            ],
        ),
    )


async def _known(system: System, identity: Identity) -> Account | None:
    values = [identity.provider, identity.subject]
    (rows,) = await system.reader.run([(_USER_OF, values)])
    return await accounts.find(system.reader, rows[0][0]) if rows else None


def _origin(user_id: str, surface: Surface, request_id: str) -> Origin:
    return Origin(Actor("user", user_id), surface, request_id)


def _new_identity(identity: Identity, user_id: str) -> VaultWrite:
    return VaultWrite(_NEW_IDENTITY, [identity.provider, identity.subject, user_id])


_USER_OF = b"SELECT user_id FROM vault.identities WHERE provider = %s AND subject = %s"
# two at once, or an account that is linked with it already: it stays as it was
_NEW_IDENTITY = sql.SQL(
    "INSERT INTO vault.identities (provider, subject, user_id)"
    " VALUES (%s, %s, %s::uuid) ON CONFLICT DO NOTHING"
)
