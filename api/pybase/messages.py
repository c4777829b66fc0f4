"""What webhooks are told, for OpenAPI's section of webhooks: a message an event.

The bodies are made by `api/pybase/hooks/` and, of content, by `api/cms/hooks/`;
docs/webhooks.md says in words when which is told.
"""

from collections.abc import Mapping
from typing import Any

from api.pybase.schemas import FIELD, RECORD, TABLE
from api.schemas import ANY, COUNT, FLAG, ID, TEXT, TIME, Schema, array, object_of

_TEST = "webhook.test"
_WORDS = ("created", "updated", "deleted")
# of the workspace as a whole: in the CMS's words
_CONTENT = {"entry": _WORDS, "object_type": ("created", "updated")}
_SHOWN = {"record": RECORD, "field": FIELD, "table": TABLE}
_PART: Schema = {"type": ["object", "null"]}
_SIGNED = (
    ("webhook-id", "The event's id: the same in every attempt and replay"),
    ("webhook-timestamp", "Seconds since 1970 of this attempt"),
    (
        "webhook-signature",
        "Of each secret that is valid `v1,` and the base64 of HMAC-SHA256 over"
        " `{webhook-id}.{webhook-timestamp}.{body}`, parted by blanks",
    ),
)


def messages() -> dict[str, Any]:
    """The section, by what is told."""
    found = {
        f"{noun}.{word}": _message(
            f"A {noun} was {word}", _of_tables(f"{noun}.{word}", noun, shown)
        )
        for noun, shown in _SHOWN.items()
        for word in _WORDS
    }
    found |= {
        f"{noun}.{word}": _message(
            f"Of a webhook of the workspace: an {noun.replace('_', ' ')} was {word}",
            _of_content(f"{noun}.{word}", noun),
        )
        for noun, words in _CONTENT.items()
        for word in words
    }
    told = object_of(webhook_id=ID, workspace_id=ID, table_id=_maybe(ID), payload={})
    test = _message("The webhook is tried out", _standard(_TEST, told))
    return {**found, _TEST: test}


def _message(summary: str, body: Schema) -> dict[str, Any]:
    return {
        "post": {
            "summary": summary,
            "tags": ["webhooks"],
            "parameters": [
                {
                    "name": name,
                    "in": "header",
                    "required": True,
                    "description": said,
                    "schema": TEXT,
                }
                for name, said in _SIGNED
            ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": body}},
            },
            "responses": {
                "2XX": {"description": "Taken, where it comes within 15 seconds"},
                "410": {"description": "Not wanted: the webhook is turned off"},
                "default": {"description": "Not taken: it is sent again"},
            },
        }
    }


def _standard(name: str, data: Schema) -> Schema:
    return object_of(type={"const": name}, timestamp=TIME, data=data)


def _of_tables(name: str, noun: str, shown: Schema) -> Schema:
    before, after = _PART, _PART
    if name.endswith(".created"):
        before = {"type": "null"}
    if name.endswith(".deleted"):
        after = {"type": "null"}
    ids = dict.fromkeys(
        ("webhook_id", "workspace_id", "base_id", "table_id", f"{noun}_id"), ID
    )
    data = object_of(
        **ids,
        position=COUNT,
        event_id=ID,
        batch_id=ID,
        actor=object_of(kind=TEXT, id=TEXT),
        surface=TEXT,
        undo=FLAG,
        **{noun: shown},
        before=before,
        after=after,
        changed_fields=array(TEXT),
    )
    return _standard(name, data)


def _of_content(name: str, noun: str) -> Schema:
    made = object_of(
        event={"const": name},
        workspace_id=ID,
        object_type_id=ID,
        entry_id=ID if noun == "entry" else {"type": "null"},
        data=ANY,
        timestamp=TIME,
    )
    return {**made, "additionalProperties": False}


def _maybe(one: Mapping[str, Any]) -> Schema:
    return {**one, "type": [one["type"], "null"]}
