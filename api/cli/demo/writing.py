"""What a write may and may not do: whole batches, versions, keys."""

import secrets
from collections.abc import Mapping

from api.cli.demo.tables import corrected
from api.cli.demo.visit import Loaded, Visit

Tables = Mapping[str, Loaded]
FLAG = "Name corrected"


def uniqueness(visit: Visit, tables: Tables) -> None:
    visit.chapter("A unique constraint, and a batch that is refused whole")
    airports = tables["Airports"]
    rule = {
        "field_id": airports.fields["IATA"],
        "error_message": "Airport {value} is in the table already",
    }
    made = visit.write("POST", "/constraints", rule).json
    visit.holds(
        "IATA is unique from now on: the rows that are there were checked",
        "active",
        made["status"],
    )
    before = visit.count(airports)
    new = [
        {"IATA": "XQ1", "Name": "Planned"},
        {"IATA": "JFK", "Name": "Kennedy again"},
        {"IATA": "XQ2", "Name": "Planned too"},
    ]
    body = {"table_id": airports.id, "records": [{"fields": one} for one in new]}
    refusal = visit.refused(409, "POST", "/records/batch", body)
    visit.say(f"409 {refusal['code']}, index {refusal['index']}: {refusal['detail']}")
    visit.holds(
        "the refusal names the record and the field",
        ("DUPLICATE_VALUE", 1, "IATA", "Airport JFK is in the table already"),
        tuple(refusal.get(key) for key in ("code", "index", "field", "detail")),
    )
    visit.holds(
        f"{before:,} airports before it and after it", before, visit.count(airports)
    )


def edits(visit: Visit, tables: Tables) -> None:
    visit.chapter("Edits: misspelt makers among the cars, put right")
    cars = tables["Cars"]
    wrong = {
        record: str(row["Name"])
        for record, row in zip(cars.records, cars.prepared.rows, strict=True)
        if corrected(str(row["Name"])) != row["Name"]
    }
    first = next(iter(wrong))
    _edit_one(visit, first, wrong[first])
    _edit_many(visit, cars, wrong)
    _empty_a_required_one(visit, cars, list(wrong))


def _edit_one(visit: Visit, record: str, name: str) -> None:
    """With the version that was read; then once more with that version."""
    read = visit.get(f"/records/{record}", {})
    old = read.headers["etag"]
    wanted = {"fields": {"Name": corrected(name)}}
    reply = visit.write(
        "PATCH", f"/records/{record}", wanted, status=200, headers={"if-match": old}
    )
    visit.updated += 1
    new = reply.headers["etag"]
    visit.holds(
        f'"{name}" is "{corrected(name)}": If-Match {old}, now {new}',
        {**read.json["fields"], **wanted["fields"]},
        reply.json["fields"],
    )
    refusal = visit.refused(
        412,
        "PATCH",
        f"/records/{record}",
        {"fields": {"Name": name}},
        headers={"if-match": old},
    )
    visit.holds(
        f"who still has {old} gets 412, the present version and what changed since",
        ("VERSION_MISMATCH", reply.json["version"], 1),
        (refusal["code"], refusal["current_version"], len(refusal["changes"])),
    )
    again = visit.read(f"/records/{record}")
    visit.check("the record after a stale edit", reply.json, again)


def _edit_many(visit: Visit, cars: Loaded, wrong: Mapping[str, str]) -> None:
    flag = {"table_id": cars.id, "name": FLAG, "type": "checkbox"}
    visit.write("POST", "/fields", flag)
    updates = [
        {"record_id": record, "fields": {"Name": corrected(name), FLAG: True}}
        for record, name in wrong.items()
    ]
    body = {"table_id": cars.id, "updates": updates}
    reply = visit.write("PATCH", "/records/batch", body, status=200)
    visit.updated += len(wrong)
    visit.check(
        "the names after a batch of edits",
        [corrected(name) for name in wrong.values()],
        [record["fields"]["Name"] for record in reply.json["items"]],
    )
    visit.holds(
        f'{len(wrong)} names and a new field, "{FLAG}", in one batch; a filter on'
        " the field finds them",
        len(wrong),
        visit.count(cars, filter={FLAG: True}),
    )


def _empty_a_required_one(visit: Visit, cars: Loaded, records: list[str]) -> None:
    updates = [
        {"record_id": records[0], "fields": {FLAG: False}},
        {"record_id": records[1], "fields": {"Name": None}},
    ]
    body = {"table_id": cars.id, "updates": updates}
    refusal = visit.refused(422, "PATCH", "/records/batch", body)
    visit.holds(
        "two edits of which one empties a required field: 422, neither is made",
        ("REQUIRED_FIELD", "Name", records[1], len(records)),
        (
            refusal["code"],
            refusal["field"],
            refusal["record_id"],
            visit.count(cars, filter={FLAG: True}),
        ),
    )


def keys(visit: Visit, tables: Tables) -> None:
    visit.chapter("The same request twice, with one Idempotency-Key")
    sources = tables["Sources"]
    key = {"idempotency-key": f"demo-{secrets.token_hex(8)}"}
    movies = {"Name": "movies", "Description": "Listed in the package, not shipped."}
    body = {"table_id": sources.id, "fields": movies}
    before = visit.count(sources)
    first = visit.write("POST", "/records", body, headers=key)
    visit.created += 1
    second = visit.write("POST", "/records", body, headers=key)
    visit.holds(
        "the second reply is the first, byte for byte, and says so",
        (first.body, "true"),
        (second.body, second.headers.get("idempotency-replayed")),
    )
    visit.holds(
        "both name one position, and there is one record more",
        (first.headers["x-position"], before + 1),
        (second.headers["x-position"], visit.count(sources)),
    )
    other = {"table_id": sources.id, "fields": {"Name": "birdstrikes"}}
    refusal = visit.refused(422, "POST", "/records", other, headers=key)
    visit.holds(
        "the key with another body is refused",
        "IDEMPOTENCY_KEY_REUSED",
        refusal["code"],
    )
    path = f"/records/{first.json['id']}"
    version = {"if-match": first.headers["etag"]}
    visit.write("DELETE", path, status=204, headers=version)
    visit.deleted += 1
    gone = visit.refused(404, "GET", path)
    visit.holds(
        "deleted again: 404, and as many as before",
        ("NOT_FOUND", before),
        (gone["code"], visit.count(sources)),
    )
