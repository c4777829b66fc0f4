"""What the access tests of every surface ask of operations and of replies."""

import re


def shape(operation):
    return re.sub(r"{\w+}", "{}", operation)


def same_but_for_ids(reply, things):
    """A reply as far as it may not tell one thing from another."""
    text = reply.text
    for name, value in things.items():
        text = text.replace(value, f"<{name}>")
    headers = {
        name: value
        for name, value in reply.headers.items()
        if name not in ("date", "x-request-id", "content-length")
    }
    return reply.status_code, headers, text
