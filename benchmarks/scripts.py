"""The Lua scripts that tell `wrk` what to send.

Every thread of wrk runs its own copy: `thread_id` is 0, 1, … and `n` counts its
requests, so no two requests of a run are equal.  Requests are put together
as text: `wrk.format` would write the same headers anew each time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lists import LIMIT, PAGES
from benchmarks.rows import NOTES, row

# digits: 3 of the run, 1 of the thread, 8 of the request
SERIAL = 'string.format("%03d%d%08d", RUN, thread_id, n)'

OPENING = """\
local RUN, THREADS, threads, n = %(run)d, %(threads)d, 0, 0
local HEAD = %(head)s
function setup(thread)
  thread:set("thread_id", threads)
  threads = threads + 1
end
local function with_body(opening, body)
  return opening .. "Content-Length: " .. #body .. "\\r\\n\\r\\n" .. body
end
local function lines_of(path, every, first)
  local found, i = {}, 0
  for line in io.lines(path) do
    if i %% every == first then found[#found + 1] = line end
    i = i + 1
  end
  return found
end
"""

CREATE = """\
local OPENING = "POST %(path)s" .. HEAD
function request()
  n = n + 1
  local serial = %(serial)s
  return with_body(OPENING, %(body)s)
end
"""

# a thread goes through its own share of the ids; each round changes every value
UPDATE = """\
local ids
function init()
  ids = lines_of(%(ids)s, THREADS, thread_id)
end
function request()
  n = n + 1
  local serial = %(serial)s
  return with_body("PATCH %(path)s/" .. ids[n %% #ids + 1] .. HEAD,
    '{"fields":{"Notes":"moved by ' .. serial .. '","Qty":' .. (n + RUN * 1e7)
    .. ',"Price":' .. n .. '.5}}')
end
"""

GET = """\
local made = {}
function init()
  for i, id in ipairs(lines_of(%(ids)s, THREADS, thread_id)) do
    made[i] = "GET %(path)s/" .. id .. HEAD .. "\\r\\n"
  end
end
function request()
  n = n + 1
  return made[n %% #made + 1]
end
"""

# every request a page of a list; "@", "#", "~" and "+" in a path are its own
LIST = """\
local paths, made = %(paths)s, {}
function request()
  n = n + 1
  local path, page = paths[n %% #paths + 1], %(offset)s
  local serial, number = %(serial)s, (n * 7919 + thread_id * 31) %% %(numbers)s
  path = path:gsub("@", serial):gsub("#", string.format("%%d", number))
  path = path:gsub("~", string.format("%%05d", number))
  path = path:gsub("%%+", string.format("%%d", number + 100))
  return "GET " .. path .. page .. HEAD .. "\\r\\n"
end
"""

BATCH = """\
local made = {}
function init()
  for i, body in ipairs(lines_of(%(bodies)s, 1, 0)) do
    made[i] = with_body("POST %(path)s" .. HEAD, body)
  end
end
function request()
  n = n + 1
  return made[n %% #made + 1]
end
"""

CLOSING = """\
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"duration":%d,"connect":%d,"read":%d,'
    .. '"write":%d,"status":%d,"timeout":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, summary.duration, e.connect, e.read, e.write, e.status,
    e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Target:
    """Where records are posted, and who asks; no token for a server without users."""

    port: int
    path: str
    token: str = ""

    @property
    def head(self) -> str:
        """What follows the path, up to the last header that all requests share."""
        lines = [" HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        return "\r\n".join([*lines, "Content-Type: application/json", ""])


def creates(target: Target, run: int, threads: int, table_id: str | None) -> str:
    """One record a request; without a table's id in the yardstick's own shape."""
    fields = {**row(0), "Name": "@", "Notes": NOTES.replace("%d", "@"), "Qty": "#"}
    if table_id is None:
        body: object = {name.lower(): value for name, value in fields.items()}
    else:
        body = {"table_id": table_id, "fields": fields}
    return _script(
        target, run, threads, CREATE, path=target.path, body=_joined(json.dumps(body))
    )


def updates(target: Target, run: int, threads: int, ids: Path) -> str:
    """Three of eight fields a request, each with a value it never had."""
    return _script(target, run, threads, UPDATE, path=target.path, ids=_lua(str(ids)))


def gets(target: Target, run: int, threads: int, ids: Path) -> str:
    return _script(target, run, threads, GET, path=target.path, ids=_lua(str(ids)))


def lists(
    target: Target,
    run: int,
    threads: int,
    paths: Sequence[str],
    *,
    offset: int | None,
    pages: int = PAGES,
    numbers: int = 100_000,
) -> str:
    """Pages by their paths; without an `offset` any of the first `pages`.

    `numbers` is how many records there are to choose from.
    """
    page = f"math.random(0, {pages - 1}) * {LIMIT}" if offset is None else str(offset)
    made = "{" + ",".join(_lua(path) for path in paths) + "}"
    least = str(min(numbers, 100_000) - 100)  # of five digits, and a hundred more
    return _script(target, run, threads, LIST, paths=made, offset=page, numbers=least)


def batches(target: Target, run: int, threads: int, bodies: Path) -> str:
    return _script(
        target,
        run,
        threads,
        BATCH,
        path=f"{target.path}/batch",
        bodies=_lua(str(bodies)),
    )


def write_bodies(file: Path, table_id: str, *, bodies: int, records: int) -> None:
    """Batch creates, one a line, no record twice."""
    with file.open("w") as output:
        for first in range(0, bodies * records, records):
            rows = [{"fields": row(n)} for n in range(first, first + records)]
            body = {"table_id": table_id, "records": rows}
            output.write(json.dumps(body, separators=(",", ":")) + "\n")


def write_ids(file: Path, ids: Sequence[object]) -> None:
    file.write_text("".join(f"{id}\n" for id in ids))


def _script(target: Target, run: int, threads: int, text: str, **values: str) -> str:
    filled = {"head": _lua(target.head), "serial": SERIAL, **values}
    opening = OPENING % {**filled, "run": run, "threads": threads}
    return opening + text % filled + CLOSING


def _joined(body: str) -> str:
    """A Lua expression: `body` with a request's serial for "@", its number for "#"."""
    text = _lua(body.replace('"#"', "#"))
    return text.replace("#", '" .. n .. "').replace("@", '" .. serial .. "')


def _lua(text: str) -> str:
    """`text` as a Lua string; JSON's escapes of ASCII are Lua's, but for \\u."""
    return json.dumps(text)
