"""What a command on records must not collide with: unique keys, and the records at
the other ends of its links."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from domain.catalog import Constraint, Field, Table
from domain.constraint import duplicate_of, told, unique_digest
from domain.errors import Conflict, ForeignKeyViolation
from domain.events import Event
from domain.facts import Facts, Link, in_order
from domain.ids import RecordId, TableId, table_number_of
from domain.record.events import RecordLinksChanged
from domain.record.needs import single
from domain.values import Value


class Keys:
    """The unique keys taken, as this command sees and takes them."""

    def __init__(self, table: Table, facts: Facts) -> None:
        self.table, self.facts = table, facts
        self.mine: dict[tuple[str, bytes], str | None] = {}

    def _digest(self, constraint: Constraint, value: Value) -> bytes | None:
        return unique_digest(value, case_sensitive=constraint.case_sensitive)

    def free(self, values: Mapping[str, Value]) -> None:
        for constraint in self.table.enforced:
            if constraint.field_id in values:
                digest = self._digest(constraint, values[constraint.field_id])
                if digest is not None:
                    self.mine[constraint.id, digest] = None

    def take(self, record_id: str, values: Mapping[str, Value]) -> None:
        """Raises DuplicateValue where another record has the value."""
        for constraint in self.table.enforced:
            value = values.get(constraint.field_id)
            digest = self._digest(constraint, value)
            if digest is None:
                continue
            key = (constraint.id, digest)
            holder = self.mine[key] if key in self.mine else self.facts.taken.get(key)
            if holder is not None and holder != record_id:
                target = self.table.all_fields[constraint.field_id]
                refusal = duplicate_of(constraint, target.name, told(target, value))
                raise refusal.because_of(holder, target.id)
            self.mine[key] = record_id


class Ends:
    """The other ends of the links that a command makes and breaks."""

    def __init__(self, table: Table, facts: Facts) -> None:
        self.table, self.facts = table, facts
        self.made = 0
        self.coming: set[str] = set()  # records that this command brought back
        # (field, record) -> how many links the command gave and took so far
        self._moved: Counter[tuple[str, str]] = Counter()
        # (field, record) -> its links in order, where this command made or broke some
        self._now: dict[tuple[str, str], dict[str, Link]] = {}

    def links(self, field_id: str, record_id: str) -> dict[str, Link]:
        """A record's links as this command leaves them so far, in order, by record."""
        known = self._now.get((field_id, record_id))
        if known is not None:
            return dict(known)
        row = self.facts.rows.get(record_id)
        found = row.links.get(field_id, ()) if row is not None else ()
        return {link.target: link for link in found}

    def write(self, target: Field, record_id: str, links: Iterable[Link]) -> None:
        """Puts a record's whole list; those at the other ends know its places."""
        made: dict[str, Link] = {link.target: link for link in links}
        self._now[target.id, record_id] = made
        if target.reverse_id is None:
            return
        for link in made.values():
            known = self._known(target.reverse_id, link.target)
            if record_id in known:
                known[record_id] = replace(known[record_id], there=link.here)

    def _other(self, target: Field) -> Table | None:
        return self.facts.catalog.tables.get(
            TableId(str(target.options["linked_table_id"]))
        )

    def place(self) -> int:
        """A place behind every one that was given so far."""
        self.made += 1
        return ((self.facts.position + 1) << 20) + self.made

    def check(self, target: Field, record_id: str, ids: Iterable[str]) -> None:
        other = self._other(target)
        alone = single(self.facts.catalog, target.reverse_id)
        for one in ids:
            known = (
                other is not None
                and table_number_of(one) == other.number
                # a hidden link comes back with its record, though its table is hidden
                and (target.deleted or not other.deleted)
                # a record that links to itself comes back with that link
                and (one == record_id or one in self.coming or self.facts.is_live(one))
            )
            if not known:
                gone = ForeignKeyViolation(field=target.name, value=one)
                raise gone.because_of(one)
            taken = self.links(target.reverse_id or "", one) if alone else ()
            if any(holder != record_id for holder in taken):
                raise Conflict(
                    f"Record {one} links to another record already",
                    field=target.name,
                    value=one,
                ).because_of(one, target.reverse_id)

    def let_go(
        self, target: Field, links: Iterable[Link], going: Container[str] = ()
    ) -> None:
        """Refuses to take the last link from a record that needs one.

        `going`: records that are deleted by the same command.
        """
        other = self._other(target)
        reverse = other.by_id.get(target.reverse_id or "") if other else None
        if reverse is None or not reverse.required or other is None or other.deleted:
            return
        for link in links:
            self._moved[reverse.id, link.target] -= 1
            held = self.facts.links_held(reverse.id, link.target)
            if held is None or link.target in going:
                continue
            if held + self._moved[reverse.id, link.target] < 1:
                raise ForeignKeyViolation(
                    f"Another record needs this one in its field {reverse.name}",
                    field=reverse.name,
                    value=link.target,
                ).because_of(link.target, reverse.id)

    def events(
        self,
        target: Field,
        record_id: str,
        added: Iterable[Link],
        removed: Iterable[Link],
    ) -> Iterable[Event]:
        """What the records at the other ends are told."""
        other = self._other(target)
        if other is None or target.reverse_id is None:
            return
        for link in removed:
            self._take(target.reverse_id, link.target, record_id)
            yield RecordLinksChanged(
                link.target, other.id, target.reverse_id, [], [[record_id, link.there]]
            )
        for link in added:
            self._give(target.reverse_id, link, record_id)
            yield RecordLinksChanged(
                link.target, other.id, target.reverse_id, [[record_id, link.there]], []
            )

    def _take(self, field_id: str, one: str, record_id: str) -> None:
        self._known(field_id, one).pop(record_id, None)

    def _give(self, field_id: str, link: Link, record_id: str) -> None:
        links = self._known(field_id, link.target)
        last = next(reversed(links.values()), None)
        mirrored = Link(RecordId(record_id), there=link.here, here=link.there)
        links.pop(record_id, None)
        links[record_id] = mirrored
        self._moved[field_id, link.target] += 1
        if last is not None and in_order((last, mirrored))[0] is mirrored:
            ordered = in_order(links.values())
            links.clear()
            links.update((one.target, one) for one in ordered)

    def _known(self, field_id: str, record_id: str) -> dict[str, Link]:
        found = self._now.get((field_id, record_id))
        if found is None:
            found = self._now[field_id, record_id] = self.links(field_id, record_id)
        return found
