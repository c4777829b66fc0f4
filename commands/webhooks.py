"""What the vault has of webhooks: addresses with their headers, secrets, tokens.

    target   where an outgoing one sends, sealed; an immutable row, named by events
    secret   `whsec_` and the base64 of 32 bytes: messages are signed with it; sealed.
             Each is valid for 24 hours more after a newer one has come; five at once
             at the most
    token    `whk_` and 43 characters: who has it may send; only its SHA-256 is kept

Secrets and tokens are in the reply that makes them and nowhere else.  With a webhook's
deletion both go (0018_webhooks.sql); targets stay, for an undo to go back to.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson
from psycopg import sql

from commands import api_keys
from commands.api_keys import LENGTH, digest_of
from commands.outbound.client import check_header
from commands.outbound.errors import Refused
from commands.outbound.guard import Guard
from commands.outbound.urls import read as read_url
from commands.sealing import Sealing, Unreadable
from commands.unit import VaultWrite
from domain.errors import Invalid
from domain.ids import WebhookId, WorkspaceId
from projections.arrays import text_array
from projections.reader import Reader

TOKEN_PREFIX = "whk_"
ROTATION_HOURS = 24  # that a secret is valid after a newer one has come
MAX_SECRETS = 5  # valid at once; with one more the oldest ends
MAX_HEADERS = 20
MAX_VALUE = 2_048  # characters of a header's value
_MAX_NAME = 100
# what says which message it is, and who sent it, is not for others to say
_SIGNED = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where an outgoing webhook sends, and the headers that it adds."""

    url: str
    headers: Mapping[str, str]

    @property
    def origin(self) -> str:
        """All of it that is no secret: scheme, host and port."""
        return read_url(self.url).origin


@dataclass(frozen=True, slots=True)
class Sending:
    """What a message of a webhook is sent with; the newest secret is the first."""

    address: Address
    secrets: Sequence[str]


def make_token() -> str:
    return api_keys.make_secret(TOKEN_PREFIX)


def check_url(url: str, guard: Guard) -> None:
    """Raises Invalid.  Where a name leads is seen when it is called; ports and
    addresses that are not called now are refused now, not by days of failures."""
    try:
        guard.target(url)
    except Refused as error:
        raise Invalid(str(error), field="url") from error
    if "#" in url:
        raise Invalid("The URL has a fragment, which nobody would get", field="url")


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises Invalid."""
    if len(headers) > MAX_HEADERS:
        raise Invalid(f"A webhook has {MAX_HEADERS} headers at most", field=_HEADERS)
    if len({name.lower() for name in headers}) < len(headers):
        raise Invalid("A header is there twice", field=_HEADERS)
    for name, value in headers.items():
        if len(name) > _MAX_NAME:
            detail = f"A header's name has {_MAX_NAME} characters at most"
            raise Invalid(detail, field=_HEADERS)
        try:
            check_header(name, value)
        except Refused as error:
            raise Invalid(str(error), field=_HEADERS) from error
        if name.lower() in _SIGNED:
            detail = f"The header {name} is this server's own: leave it out"
            raise Invalid(detail, field=_HEADERS)
        if len(value) > MAX_VALUE:
            detail = f"The value of the header {name} is over {MAX_VALUE} characters"
            raise Invalid(detail, field=_HEADERS)


_HEADERS = "headers"


# ------------------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class Vault:
    """Writes the rows of one webhook, as part of the unit that records it."""

    sealing: Sealing
    workspace_id: WorkspaceId
    webhook_id: WebhookId

    def new_target(self, target_id: str, address: Address) -> VaultWrite:
        content = {"url": address.url, "headers": dict(address.headers)}
        sealed = self.sealing.seal(orjson.dumps(content))
        values = [target_id, self.workspace_id, self.webhook_id, sealed]
        return VaultWrite(_NEW_TARGET, values)

    def new_secret(self, secret_id: str, secret: str) -> list[VaultWrite]:
        """The one before it, if there is one, ends in a while: others when it was said.
        Whoever asks twice, as after a lost reply, cuts off nobody who knows the first.
        """
        sealed = self.sealing.seal(secret.encode())
        values = [secret_id, self.workspace_id, self.webhook_id, sealed]
        return [
            VaultWrite(_END_LATER, [ROTATION_HOURS, self.webhook_id]),
            VaultWrite(_DROP_OLD, [self.webhook_id, self.webhook_id, MAX_SECRETS - 1]),
            VaultWrite(_NEW_SECRET, values),
        ]

    def new_token(self, token: str) -> VaultWrite:
        """In the place of the one before it."""
        values = [self.webhook_id, self.workspace_id, digest_of(token)]
        return VaultWrite(_NEW_TOKEN, values)


_NEW_TARGET = sql.SQL(
    "INSERT INTO vault.webhook_targets (id, workspace_id, webhook_id, sealed)"
    " VALUES (%s::uuid, %s::uuid, %s::uuid, %s)"
)
_END_LATER = sql.SQL(
    "UPDATE vault.webhook_secrets"
    " SET ends_at = clock_timestamp() + make_interval(hours => %s::int)"
    " WHERE webhook_id = %s::uuid AND ends_at IS NULL"
)
# those that are over, and of the others all but the newest few
_DROP_OLD = sql.SQL(
    "DELETE FROM vault.webhook_secrets WHERE webhook_id = %s::uuid"
    " AND id NOT IN (SELECT id FROM vault.webhook_secrets"
    " WHERE webhook_id = %s::uuid AND ends_at > clock_timestamp()"
    " ORDER BY made_at DESC LIMIT %s::int)"
)
_NEW_SECRET = sql.SQL(
    "INSERT INTO vault.webhook_secrets (id, workspace_id, webhook_id, sealed)"
    " VALUES (%s::uuid, %s::uuid, %s::uuid, %s)"
)
_NEW_TOKEN = sql.SQL(
    "INSERT INTO vault.webhook_tokens (webhook_id, workspace_id, digest)"
    " VALUES (%s::uuid, %s::uuid, %s)"
    " ON CONFLICT (webhook_id) DO UPDATE SET digest = EXCLUDED.digest"
)


# ------------------------------------------------------------------------- reading


async def addresses_of(
    reader: Reader, sealing: Sealing, target_ids: Collection[str]
) -> dict[str, Address]:
    """By the id of a target; those are left out that another secret key sealed."""
    if not target_ids:
        return {}
    (rows,) = await reader.run([(_TARGETS, [text_array(list(target_ids))])])
    found: dict[str, Address] = {}
    for target_id, sealed in rows:
        with suppress(Unreadable):
            found[target_id] = _address(sealing, sealed)
    return found


async def sending_of(
    reader: Reader, sealing: Sealing, webhook_id: str, target_id: str
) -> Sending | None:
    """None where the webhook's secrets are gone.  Raises Unreadable."""
    targets, valid = await reader.run(
        [(_TARGETS, [text_array([target_id])]), (_SECRETS, [webhook_id])]
    )
    if not targets or not valid:
        return None
    found = [sealing.open(bytes(row[0])).decode() for row in valid]
    return Sending(_address(sealing, targets[0][1]), found)


async def webhook_of(
    reader: Reader, token: str
) -> tuple[WorkspaceId, WebhookId] | None:
    """Whose token it is."""
    if len(token) != LENGTH or not token.isascii():
        return None
    (rows,) = await reader.run([(_BY_TOKEN, [digest_of(token)])])
    return (WorkspaceId(rows[0][0]), WebhookId(rows[0][1])) if rows else None


def _address(sealing: Sealing, sealed: bytes) -> Address:
    content = orjson.loads(sealing.open(bytes(sealed)))
    return Address(content["url"], content["headers"])


_TARGETS = b"SELECT id, sealed FROM vault.webhook_targets WHERE id = ANY (%s::uuid[])"
# by webhook_secrets_by_webhook
_SECRETS = b"""
    SELECT sealed FROM vault.webhook_secrets
    WHERE webhook_id = %s::uuid
      AND (ends_at IS NULL OR ends_at > clock_timestamp())
    ORDER BY made_at DESC
"""
_BY_TOKEN = (
    b"SELECT workspace_id, webhook_id FROM vault.webhook_tokens WHERE digest = %s"
)
