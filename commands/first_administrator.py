"""The first administrator: made by a command or from the environment, never implied."""

from commands import accounts
from commands.system import System, new_id, now, time_text
from commands.unit import Origin
from commands.write import Prepared, submit_to_instance, unread
from domain.errors import Conflict, DomainError
from domain.events import Actor, Command
from domain.ids import INSTANCE, UserId
from domain.user import GrantAdministration, RegisterUser


async def make_first_administrator(system: System) -> None:
    """Makes the one that the settings name, at the first start."""
    settings = system.settings
    if settings.admin_email is None or settings.admin_password is None:
        return
    if await _has_administrator(system):
        return
    try:
        await make_administrator(
            system, settings.admin_email, settings.admin_password.get_secret_value()
        )
    except DomainError:
        if not await _has_administrator(system):  # made by a process started with us
            raise


async def _has_administrator(system: System) -> bool:
    (rows,) = await system.reader.run(
        [(b"SELECT 1 FROM catalog.users WHERE administrator LIMIT 1", [])]
    )
    return bool(rows)


async def make_administrator(system: System, email: str, password: str) -> str:
    """Makes an account an administrator, registering it where there is none.

    Gives the user's id.  Raises Unauthenticated where the account exists and has
    another password, Invalid for a password that is too short.
    """
    accounts.check_password(password)
    known = await accounts.user_by_email(system.reader, email)
    if known is not None:
        await accounts.sign_in(system.reader, email, password)
        await _grant(system, known, [])
        return known
    user_id = UserId(new_id())
    key = accounts.email_key(email)
    password_hash = await accounts.hash_password(password)
    name = email.partition("@")[0]
    at = time_text(now())
    username = await accounts.usual_username(system.reader, email, user_id)
    account = accounts.Account(user_id, email, name, at, username)
    origin = Origin(Actor("system", INSTANCE), "system", new_id())
    try:
        await submit_to_instance(
            system,
            origin,
            Prepared(
                [RegisterUser(user_id, key, username), GrantAdministration(user_id)],
                unread,
                vault=[accounts.new_account(account, password_hash)],
            ),
        )
    except Conflict as error:
        raise DomainError(
            "Another process made the account at the same time"
        ) from error
    return user_id


async def _grant(system: System, user_id: str, commands: list[Command]) -> None:
    origin = Origin(Actor("system", INSTANCE), "system", new_id())
    commands = [*commands, GrantAdministration(UserId(user_id))]
    await submit_to_instance(system, origin, Prepared(commands, unread))
