"""Writes docs/asyncapi.json and docs/schemas/ anew from the event classes.

.venv/bin/python -m tools.asyncapi
"""

from pathlib import Path

from workers.relay.contract import documents

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> None:
    for name, content in documents(DOCS).items():
        path = DOCS / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
