"""Users of the whole instance.  They live in the instance workspace.

Pure.  Names, e-mail addresses and password hashes are in the vault, beside the ledger:
these events hold ids alone.  The commands carry the e-mail and the username only to
look them up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.catalog import Catalog
from domain.decider import asks, decides, folds
from domain.errors import Conflict, NameTaken, NotFound
from domain.events import Command, Event, Recorded, event
from domain.facts import Facts, Needs
from domain.ids import UserId


@dataclass(frozen=True, slots=True)
class RegisterUser(Command):
    user_id: UserId
    email: str  # folded; never part of an event
    username: str | None = None  # the same


@dataclass(frozen=True, slots=True)
class ChangeProfile(Command):
    """The vault's row of the user changes in the same transaction."""

    user_id: UserId
    changed: tuple[str, ...]
    username: str | None = None  # a new one, folded; never part of an event


@dataclass(frozen=True, slots=True)
class GrantAdministration(Command):
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ChangePassword(Command):
    """The vault's row of the user and its sessions change in the same transaction."""

    user_id: UserId


@event("user.registered")
class UserRegistered(Event):
    """Cannot be taken back: a sign-up is irreversible."""

    user_id: str
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@event("user.profile_changed")
class ProfileChanged(Event):
    """Names what changed, not from what to what: that is personal.  No inverse."""

    user_id: str
    changed: list[str]
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@event("user.administration_granted")
class AdministrationGranted(Event):
    """No inverse: rights over the instance are given and taken by hand."""

    user_id: str
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@event("user.password_changed")
class PasswordChanged(Event):
    """No inverse: nobody has the old password, and its sessions stay dead."""

    user_id: str
    FOLLOWS = False

    def inverse(self) -> None:
        return None


@asks(RegisterUser)
def _register_needs(command: RegisterUser, _catalog: Catalog, needs: Needs) -> None:
    needs.emails.add(command.email)
    if command.username is not None:
        needs.usernames.add(command.username)


@asks(ChangeProfile)
def _profile_needs(command: ChangeProfile, _catalog: Catalog, needs: Needs) -> None:
    needs.users.add(command.user_id)
    if command.username is not None:
        needs.usernames.add(command.username)


@asks(GrantAdministration, ChangePassword)
def _user_needs(
    command: GrantAdministration | ChangePassword,
    _catalog: Catalog,
    needs: Needs,
) -> None:
    needs.users.add(command.user_id)


@decides(RegisterUser, role=None)
def _register(command: RegisterUser, facts: Facts) -> Sequence[Event]:
    if command.email in facts.emails:
        raise Conflict("Email already registered")
    _take_username(command.user_id, command.username, facts)
    # the vault's row is written with the unit; a neighbour in the group must see it
    facts.put(facts.emails, command.email, command.user_id)
    return [UserRegistered(command.user_id)]


@decides(ChangeProfile, role=None)
def _change_profile(command: ChangeProfile, facts: Facts) -> Sequence[Event]:
    if command.user_id not in facts.users:
        raise NotFound("User not found")
    if not command.changed:
        return []
    _take_username(command.user_id, command.username, facts)
    return [ProfileChanged(command.user_id, sorted(command.changed))]


def _take_username(user_id: UserId, username: str | None, facts: Facts) -> None:
    """Raises NameTaken where another user has it."""
    if username is None:
        return
    if facts.usernames.get(username, user_id) != user_id:
        raise NameTaken("Username already taken")
    facts.put(facts.usernames, username, user_id)


@decides(GrantAdministration, role=None)
def _grant(command: GrantAdministration, facts: Facts) -> Sequence[Event]:
    if command.user_id not in facts.users:
        raise NotFound("User not found")
    return [AdministrationGranted(command.user_id)]


@decides(ChangePassword, role=None)
def _change_password(command: ChangePassword, facts: Facts) -> Sequence[Event]:
    if command.user_id not in facts.users:
        raise NotFound("User not found")
    return [PasswordChanged(command.user_id)]


@folds(UserRegistered, ProfileChanged, AdministrationGranted, PasswordChanged)
def _fold(facts: Facts, recorded: Recorded, event: UserRegistered) -> None:
    facts.put(facts.users, event.user_id, recorded.version)
