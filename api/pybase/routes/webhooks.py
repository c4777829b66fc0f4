"""Webhooks of a table, or of a workspace."""

from typing import Any

from api.pybase import deliveries, schemas, shapes, webhooks
from api.pybase.routes.rows import ADMIN, ID, PAGING, READ, paging, read, write
from api.routes import Route
from projections.delivered import STATES

_MADE = (
    "Outgoing: of a table or of a workspace, with `url` and `events`. An address or a"
    " port that this server does not call is 422. Incoming: of a table. A key that the"
    " body does not take is 422."
)
_DELETED = (
    "Signing secrets and tokens are gone. The URL and the headers stay sealed: an undo"
    " brings it back with them, and in need of a new secret (rotate-secret) or token"
    " (regenerate-token). Until it has one it sends and takes nothing; what happens"
    " meanwhile is told by a replay alone."
)
_TABLE = "0193a5f0-7c00-7000-8000-000000000001"
_EXAMPLES: dict[str, dict[str, Any]] = {
    "outgoing": {
        "name": "Notify external system",
        "table_id": _TABLE,
        "type": "outgoing",
        "url": "https://api.example.com/webhook",
        "events": ["record.created", "record.updated"],
        "headers": {"X-API-Key": "secret"},
        "is_enabled": True,
    },
    "incoming": {
        "name": "Receive from Zapier",
        "table_id": _TABLE,
        "type": "incoming",
        "field_mappings": {"external_name": "Name", "external_email": "Email"},
    },
}


def webhook_rows() -> list[Route]:
    w, one, tag = webhooks, schemas.WEBHOOK, "webhooks"
    return [
        read(
            "/webhooks",
            "Webhooks of a table, or all of a workspace, oldest first",
            w.list_webhooks,
            tag,
            schemas.page(one),
            query=(
                ("table_id", ID, "The table"),
                ("workspace_id", ID, "The workspace: instead of a table"),
                *PAGING,
            ),
        ),
        write(
            "POST",
            "/webhooks",
            "Make a webhook: the only reply that shows its secret or token",
            w.create_webhook,
            tag,
            ADMIN,
            body=shapes.CreateWebhook,
            response=schemas.NEW_WEBHOOK,
            alone=True,
            description=_MADE,
            examples=_EXAMPLES,
        ),
        read("/webhooks/{id}", "A webhook", w.get_webhook, tag, one),
        write(
            "PATCH",
            "/webhooks/{id}",
            "Change a webhook",
            w.update_webhook,
            tag,
            ADMIN,
            body=shapes.UpdateWebhook,
            response=one,
            alone=True,
            description="A key that it does not take is 422: what it is of and its type"
            " stay as they are.",
        ),
        write(
            "DELETE",
            "/webhooks/{id}",
            "Delete a webhook, with its secrets",
            w.delete_webhook,
            tag,
            ADMIN,
            description=_DELETED,
        ),
        write(
            "POST",
            "/webhooks/{id}/regenerate-token",
            "Give an incoming webhook another token; the one before it ends",
            w.regenerate_token,
            tag,
            ADMIN,
            status=200,
            response=schemas.NEW_WEBHOOK,
            alone=True,
        ),
        write(
            "POST",
            "/webhooks/{id}/rotate-secret",
            "Give an outgoing webhook another signing secret; each one before it is"
            " valid for 24 hours from when a newer one came",
            w.rotate_secret,
            tag,
            ADMIN,
            status=200,
            response=schemas.NEW_WEBHOOK,
            alone=True,
        ),
        write(
            "POST",
            "/webhooks/{id}/replay",
            "Send again what happened from one position to another, or what of it was"
            " not delivered",
            w.replay_webhook,
            tag,
            ADMIN,
            status=202,
            body=shapes.ReplayWebhook,
            response=schemas.QUEUED,
            alone=True,
        ),
        read(
            "/webhooks/{id}/deliveries",
            "What a webhook sent or is to send, newest first, with every attempt",
            deliveries.list_deliveries,
            tag,
            schemas.page(schemas.DELIVERY),
            role=ADMIN,
            query=(
                ("state", {"type": "string", "enum": list(STATES)}, "Only these"),
                *paging(deliveries.MOST),
            ),
        ),
        write(
            "POST",
            "/webhooks/{id}/test",
            "Send a signed message of type webhook.test now, and tell how that went;"
            " each request sends one",
            deliveries.test_webhook,
            tag,
            ADMIN,
            status=200,
            body=shapes.TestWebhook,
            body_needed=False,
            response=schemas.TESTED,
            errors=(*READ, 409, 413, 415),
            alone=True,
            repeats=True,
        ),
    ]
