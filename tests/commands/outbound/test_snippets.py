"""What docs/webhooks.md has people verify messages with does what it should."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from commands.outbound.signing import new_secret, signed

DOCS = Path(__file__).resolve().parents[3] / "docs" / "webhooks.md"
BODY = '{"type":"record.created","data":{"name":"Gr\u00fcn"}}'
NODE = shutil.which("node")


def snippet(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", DOCS.read_text(), re.M | re.S)
    return str(found)


def cases() -> list[tuple[dict[str, str], str, list[str], bool]]:
    """Headers, body, secrets, and whether that is genuine."""
    old, new, other = new_secret(), new_secret(), new_secret()
    now, body = int(time.time()), BODY.encode()

    def said(*secrets: str, at: int = now, **more: str) -> dict[str, str]:
        headers = signed("msg_1", at, body, secrets)
        return {**headers, **{k.replace("_", "-"): v for k, v in more.items()}}

    return [
        (said(new), BODY, [new], True),
        (said(new, old), BODY, [old], True),
        (said(new, old), BODY, [new], True),
        (said(new), BODY, [old, new], True),
        (said(new, at=now - 290), BODY, [new], True),
        (said(new), BODY, [other], False),
        (said(old), BODY, [new], False),
        (said(new), BODY + " ", [new], False),
        (said(new, webhook_id="msg_2"), BODY, [new], False),
        (said(new, webhook_timestamp=str(now - 1)), BODY, [new], False),
        (said(new, webhook_timestamp="x"), BODY, [new], False),
        (said(new, at=now - 310), BODY, [new], False),
        (said(new, at=now + 320), BODY, [new], False),
        (said(new, webhook_signature=""), BODY, [new], False),
        (said(new, webhook_signature="v1,"), BODY, [new], False),
        ({}, BODY, [new], False),
    ]


def test_the_snippet_of_python_tells_what_is_genuine():
    names: dict[str, Any] = {}
    exec(snippet("python"), names)
    for headers, body, secrets, genuine in cases():
        found = names["is_genuine"](headers, body.encode(), secrets)
        assert found is genuine, headers


@pytest.mark.skipif(NODE is None, reason="there is no Node.js")
def test_the_snippet_of_javascript_tells_what_is_genuine(tmp_path):
    asked = cases()
    (tmp_path / "genuine.mjs").write_text(snippet("javascript"))
    (tmp_path / "cases.json").write_text(json.dumps(asked))
    (tmp_path / "ask.mjs").write_text(
        """
        import { readFileSync } from "node:fs";
        import { isGenuine } from "./genuine.mjs";
        const cases = JSON.parse(readFileSync("cases.json"));
        const told = cases.map(([headers, body, secrets]) =>
          isGenuine(headers, Buffer.from(body), secrets));
        console.log(JSON.stringify(told));
        """
    )
    told = subprocess.run(
        [str(NODE), "ask.mjs"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert json.loads(told.stdout) == [genuine for *_, genuine in asked]
