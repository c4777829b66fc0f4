"""The yardstick: a plain FastAPI + asyncpg endpoint that promises nothing.

One insert a request, one row a get, in one uvicorn process: no accounts, no events,
no order, no idempotency.  Run as `python -m benchmarks.bare URL PORT`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal

import asyncpg  # type: ignore[import-untyped]
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

CONNECTIONS = 16  # as many as pgbench has clients

INSERT = """
    INSERT INTO bench.bare (name, notes, price, qty, done, day, at, status)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    RETURNING id
"""
SELECT = """
    SELECT id, name, notes, price, qty, done, day, at, status
    FROM bench.bare
    WHERE id = $1
"""


class NewRecord(BaseModel):
    """What a create takes."""

    name: str
    notes: str
    price: Decimal
    qty: Decimal
    done: bool
    day: date
    at: datetime
    status: str


class Record(NewRecord):
    """What create and get give."""

    id: int


def application(url: str) -> FastAPI:
    """The two routes over a pool of connections to `url`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            url, min_size=CONNECTIONS, max_size=CONNECTIONS
        ) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/records", status_code=201)
    async def create(new: NewRecord) -> Record:
        id = await app.state.pool.fetchval(
            INSERT,
            new.name,
            new.notes,
            new.price,
            new.qty,
            new.done,
            new.day,
            new.at,
            new.status,
        )
        return Record(id=id, **new.model_dump())

    @app.get("/records/{id}")
    async def get(id: int) -> Record:
        row = await app.state.pool.fetchrow(SELECT, id)
        if row is None:
            raise HTTPException(404)
        return Record(**row)

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        access_log=False,
        log_level="warning",
    )
