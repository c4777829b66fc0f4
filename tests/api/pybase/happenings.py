"""Random writes to two linked tables: of these history, blame and diff have laws."""

import random
from dataclasses import dataclass, field

from tests.client import Client, Json, made

NAMES = ["Ada", "Bob", "12", "7", "Cy"]
CHOICES = ["Open", "Closed", "Lost"]
TYPES = ["text", "long_text", "number"]


@dataclass
class Happenings:
    """A workspace in which things happen, `random` deciding which."""

    client: Client
    random: random.Random
    authors: Json = field(init=False)
    books: Json = field(init=False)
    live: dict[str, str] = field(default_factory=dict)  # record id -> its table's
    gone: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self):
        self.authors = self.client.table("Name", name="Authors")
        choices = [{"name": one} for one in CHOICES]
        self.books = self.client.table(
            "Title",
            {"name": "Pages", "type": "number"},
            {"name": "Read", "type": "checkbox"},
            {
                "name": "States",
                "type": "multi_select",
                "options": {"choices": choices},
            },
            {"name": "No", "type": "autonumber", "options": {"prefix": "B-"}},
            {
                "name": "By",
                "type": "linked_record",
                "options": {
                    "linked_table_id": self.authors["id"],
                    "reverse_name": "Books",
                },
            },
            base_id=self.authors["base_id"],
            name="Books",
        )
        self.workspace_id = self.authors["workspace_id"]

    def some(self, table):
        found = [one for one, owner in self.live.items() if owner == table["id"]]
        return self.random.choice(found) if found else None

    def fields(self, table):
        """New values, some of them empty."""
        pick = self.random
        if table is self.authors:
            drawn: Json = {"Name": pick.choice(NAMES)}
            books = [one for one, owner in self.live.items() if owner != table["id"]]
            drawn["Books"] = pick.sample(books, min(len(books), pick.randrange(3)))
        else:
            authors = [one for one, owner in self.live.items() if owner != table["id"]]
            drawn = {
                "Title": pick.choice(NAMES),
                "Pages": pick.choice([None, 0, 1.5, 300]),
                "Read": pick.choice([True, False]),
                "States": pick.sample(CHOICES, pick.randrange(3)),
                "By": pick.sample(authors, min(len(authors), pick.randrange(3))),
            }
        names = pick.sample(sorted(drawn), pick.randrange(1, len(drawn) + 1))
        return {name: drawn[name] for name in names}

    def step(self):
        happen = self.random.choices(
            [self.create, self.change, self.change_many, self.delete, self.retype],
            [4, 6, 3, 2, 1],
        )
        happen[0]()

    def create(self):
        table = self.random.choice([self.authors, self.books])
        made_one = self.client.record(table["id"], **self.plain(table))
        self.live[made_one["id"]] = table["id"]

    def plain(self, table):
        found = self.fields(table)
        return self.typed(table, found)

    def typed(self, table, found):
        """Texts as numbers where the title is a number by now."""
        if table is self.books and isinstance(found.get("Title"), str):
            kind = self.title_type()
            if kind == "number":
                found["Title"] = int(found["Title"]) if found["Title"].isdigit() else 1
        return found

    def title_type(self):
        return made(self.client.get(f"/fields/{self.books['ids']['Title']}"))["type"]

    def change(self):
        table = self.random.choice([self.authors, self.books])
        one = self.some(table)
        if one is not None:
            body = {"fields": self.plain(table)}
            made(self.client.patch(f"/records/{one}", json=body))

    def change_many(self):
        table = self.random.choice([self.authors, self.books])
        ids = {self.some(table) for _ in range(3)} - {None}
        updates = [{"record_id": one, "fields": self.plain(table)} for one in ids]
        if updates:
            body = {"table_id": table["id"], "updates": updates}
            made(self.client.patch("/records/batch", json=body))

    def delete(self):
        one = self.some(self.random.choice([self.authors, self.books]))
        if one is not None:
            assert self.client.delete(f"/records/{one}").status_code == 204
            self.gone.append((one, self.live.pop(one)))

    def retype(self):
        body = {"type": self.random.choice(TYPES), "force": True}
        made(self.client.patch(f"/fields/{self.books['ids']['Title']}", json=body))

    def record(self, record_id):
        return made(self.client.get(f"/records/{record_id}"))
