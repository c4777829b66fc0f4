"""What is sent to incoming webhooks."""

from api.pybase import incoming, shapes
from api.routes import Route
from api.schemas import FLAG, ID, TEXT, object_of

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
    )
