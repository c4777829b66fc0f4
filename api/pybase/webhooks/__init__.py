"""Webhooks: looked at, made, changed, deleted, given another secret or token.

What a secret is (a token, a signing secret, most of a URL, a header's value) is in no
event and in no reply that is kept: with an Idempotency-Key the reply to a change tells
the URL in short.

    showing    how a webhook is shown, and to whom whole
    looking    lists and one
    making     new ones
    changing   changes, deletion, new secrets and tokens
    replaying  what has happened sent again
"""

from api.pybase.webhooks.changing import (
    delete_webhook,
    regenerate_token,
    rotate_secret,
    update_webhook,
)
from api.pybase.webhooks.looking import get_webhook, list_webhooks
from api.pybase.webhooks.making import create_webhook
from api.pybase.webhooks.replaying import replay_webhook

__all__ = [
    "create_webhook",
    "delete_webhook",
    "get_webhook",
    "list_webhooks",
    "regenerate_token",
    "replay_webhook",
    "rotate_secret",
    "update_webhook",
]
