"""What is sent to incoming webhooks."""

from api.pybase import incoming, shapes
from api.routes import Route
from api.schemas import FLAG, ID, TEXT, object_of

_SAID = """The token is all that a sender needs. The record's author is the webhook
(`{"kind": "webhook", "id": …}`). Keys are those of `field_mappings`, or the names of
fields where there are none; others are passed over, and where none is known it is 422.
The body is JSON, whatever its content type says.

With a `webhook-id` a message makes one record, however often it is sent; an
`Idempotency-Key` counts only without one. Without either each message makes a record.

404, always the same: the token is unknown or was replaced, or the webhook is turned
off, deleted or in need of a new token, or its table is gone. 503 with `Retry-After`: it
is paused, come again."""
RECEIVED = object_of(success=FLAG, webhook_id=ID, record_id=ID, message=TEXT)


def incoming_row() -> Route:
    """Its token is all that a sender has to show, and where it may write."""
    return Route(
        "POST",
        "/webhooks/incoming/{token}",
        "Make a record of what is sent to an incoming webhook",
        incoming.receive,
        "webhooks",
        public=True,
        body=shapes.Sent,
        response=RECEIVED,
        headers=(
            (
                "webhook-id",
                r"^[\x21-\x7e]{1,200}$",
                "The message's id: with it a message makes one record, however often it"
                " is sent; an Idempotency-Key beside it does not count",
            ),
        ),
        errors=(400, 404, 409, 413, 422, 423, 429, 503),
        largest=incoming.LARGEST,
        admits=incoming.admit,
        description=_SAID,
        examples={
            "mapped": {
                "external_name": "John Doe",
                "external_email": "john@example.com",
            }
        },
    )
