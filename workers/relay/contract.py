"""What consumers may rely on, made from the event classes: AsyncAPI and JSON Schemas.

`docs/schemas/` has a file for each type and schema number of an event's data, and one
for the envelope; `docs/asyncapi.json` says how they come in Kafka.  A file of a past
schema number is kept as it is: its class is gone.  `python -m tools.asyncapi` writes
them anew, and a test fails where that was forgotten.
"""

import types
from collections.abc import Mapping
from dataclasses import fields
from inspect import getdoc
from pathlib import Path
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin, get_type_hints

import orjson

from domain import nouns  # noqa: F401 - fill the registry
from domain.events import EVENTS, Event, Surface
from workers.relay.messages import Form, kind_of, schema_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS = "schemas"
ENVELOPE = "envelope.json"
Schema = dict[str, Any]
_PLAIN = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}


def documents(folder: Path) -> Mapping[str, bytes]:
    """Every file by its name in the folder of the docs; past schemas as they are."""
    data: dict[tuple[str, int], Schema] = {
        (one.TYPE, one.SCHEMA): data_schema(one) for one in EVENTS.values()
    }
    for path in (folder / SCHEMAS).glob("*.json"):
        type_, _, number = path.stem.rpartition(".")
        if number.isdigit() and type_ in EVENTS and int(number) < EVENTS[type_].SCHEMA:
            data[type_, int(number)] = orjson.loads(path.read_bytes())
    made = {
        f"{SCHEMAS}/{type_}.{number}.json": _text(schema)
        for (type_, number), schema in sorted(data.items())
    }
    made[f"{SCHEMAS}/{ENVELOPE}"] = _text(envelope_schema())
    made["asyncapi.json"] = _text(asyncapi(data))
    return made


def _text(value: Schema) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def data_schema(cls: type[Event]) -> Schema:
    """What `data` of an event is."""
    hints = get_type_hints(cls)
    told = (getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")
    described = {"description": told} if not told.startswith(f"{cls.__name__}(") else {}
    names = [field.name for field in fields(cls)[1:]]  # type: ignore[arg-type]
    return {
        "$schema": DRAFT,
        "$id": schema_of(cls.TYPE, cls.SCHEMA),
        "title": f"{cls.TYPE}, schema {cls.SCHEMA}",
        **described,
        "type": "object",
        "properties": {name: _of_hint(hints[name]) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def _of_hint(hint: Any) -> Schema:
    """The JSON Schema of a payload's attribute; {} for any JSON value."""
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is list:
        return {"type": "array", "items": _of_hint(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_hint(arguments[1])}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType) and all(one in _PLAIN for one in arguments):
        return {"type": [_PLAIN[one] for one in arguments]}
    if hint is Any or any(isinstance(one, ForwardRef) for one in _within(hint)):
        return {}
    raise TypeError(f"no JSON Schema is known of {hint}")


def _within(hint: Any) -> list[Any]:
    found = [hint]
    for one in get_args(hint):
        found += _within(one)
    return found


def envelope_schema() -> Schema:
    """An event as Kafka, the feed and the history of a batch show it."""
    properties: Schema = {
        "id": _UUID,
        "type": {"type": "string", "pattern": r"^[a-z_]+\.[a-z_]+$"},
        "schema": {"type": "integer", "minimum": 1},
        "workspace_id": _UUID,
        "seq": {
            "type": "integer",
            "minimum": 1,
            "description": "The position: 1, 2, 3, ... in this workspace",
        },
        "stream": {**_UUID, "description": "The thing that changed"},
        "version": {
            "type": "integer",
            "minimum": 1,
            "description": "How many events that thing has had",
        },
        "batch_id": _UUID,
        "batch_index": {"type": "integer", "minimum": 0},
        "batch_size": {"type": "integer", "minimum": 1},
        "actor": {
            "type": "object",
            "properties": {
                "kind": {"enum": ["user", "key", "webhook", "automation", "system"]},
                "id": _UUID,
            },
            "required": ["kind", "id"],
            "additionalProperties": False,
        },
        "surface": {"enum": list(get_args(Surface))},
        "request_id": {"type": "string"},
        "causation_id": {"type": ["string", "null"], "format": "uuid"},
        "correlation_id": _UUID,
        "recorded_at": _MOMENT,
        "data": {
            "type": ["object", "null"],
            "description": "See the schema of type and schema number; null in a message"
            " that has only the address of it",
        },
        "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }
    return {
        "$schema": DRAFT,
        "$id": "urn:tabellion:envelope",
        "title": "An event and its place in the ledger",
        "type": "object",
        "properties": {
            **properties,
            "dataref": {
                "type": "string",
                "format": "uri-reference",
                "description": "Where the data are, if not in the message",
            },
        },
        "required": list(properties),
        "additionalProperties": False,
    }


def headers_schema() -> Schema:
    text = {"type": "string"}
    needed: Schema = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {**_UUID, "description": "The event's id"},
        "ce_source": {"type": "string", "pattern": "^/workspaces/[0-9a-f-]{36}$"},
        "ce_type": text,
        "ce_subject": {**_UUID, "description": "The stream: the thing that changed"},
        "ce_time": _MOMENT,
        "ce_dataschema": {"type": "string", "pattern": "^urn:tabellion:.+:[0-9]+$"},
        "content-type": {"const": "application/json"},
        "ce_workspaceid": _UUID,
        "ce_seq": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    }
    return {
        "type": "object",
        "properties": {
            **needed,
            "ce_prevseq": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "Where each kind has a topic: the position of the event"
                " before of the same workspace and kind, 0 before the first",
            },
            "ce_dataref": {
                "type": "string",
                "description": "Where the data are, if not in the message",
            },
        },
        "required": list(needed),
    }


def asyncapi(data: Mapping[tuple[str, int], Schema]) -> Schema:
    """The AsyncAPI document: one message an event type and schema number."""
    names = {key: f"{key[0]}.{key[1]}" for key in sorted(data)}
    topic = Form().topic
    everything = {
        name: {"$ref": f"#/components/messages/{name}"} for name in names.values()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tabellion's events",
            "version": "1.0.0",
            "description": "Every change of every workspace, at least once and in"
            " order. How to consume them: consumers.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": topic,
                "title": "One topic for all",
                "description": "As TABELLION_KAFKA_TOPIC has it. A workspace is in one"
                " partition, and its positions have no gap there.",
                "messages": everything,
            },
            "kinds": {
                "address": f"{topic}.{{kind}}",
                "title": "A topic for each kind of thing",
                "description": "With TABELLION_KAFKA_TOPIC_PER_KIND.",
                "parameters": {
                    "kind": {
                        "description": "What changed",
                        "enum": sorted({kind_of(type_) for type_ in EVENTS}),
                    }
                },
                "messages": everything,
            },
        },
        "operations": {
            f"relay{name.title()}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": "What has happened, after it was committed",
            }
            for name in ("events", "kinds")
        },
        "components": {
            "messages": {name: _message(*key) for key, name in names.items()},
            "schemas": {
                "envelope": _embedded(envelope_schema()),
                **{name: _embedded(data[key]) for key, name in names.items()},
            },
            "messageTraits": {
                "cloudEvent": {
                    "headers": headers_schema(),
                    "contentType": "application/json",
                    "bindings": {
                        "kafka": {
                            "key": {
                                "type": "string",
                                "description": "The workspace's id; the stream's with"
                                " TABELLION_KAFKA_KEY=stream",
                            },
                            "bindingVersion": "0.5.0",
                        }
                    },
                }
            },
        },
    }


def _message(type_: str, number: int) -> Schema:
    name = f"{type_}.{number}"
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {
        "name": name,
        "title": f"{type_}, schema {number}",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": type_},
                        "schema": {"const": number},
                        "data": {"anyOf": [reference, {"type": "null"}]},
                    },
                },
            ]
        },
    }


def _embedded(schema: Schema) -> Schema:
    """A schema within the document, which says itself what dialect it is."""
    return {name: one for name, one in schema.items() if name not in ("$schema", "$id")}
