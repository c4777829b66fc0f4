"""How many records each table has, and who writes most: a projection of the log.

    .venv/bin/python -m examples.counting           follows, and prints what changes
    .venv/bin/python -m examples.counting --once    goes to the end of the log, and ends

Built with the `eventsourcing` library on Tabellion's recorder.  It can be stopped at
any moment and started again: its position moves in the transaction of its counts.
"""

import sys

from eventsourcing.persistence import Tracking
from eventsourcing.projection import Projection, ProjectionRunner

from commands.recorder import Ledger, LedgerTrackingRecorder
from domain.events import Recorded
from domain.record import RecordCreated, RecordDeleted, RecordRestored, RecordUpdated
from domain.table import TableCreated, TableUpdated


class Counts(LedgerTrackingRecorder):
    """What the projection makes: two tables of its own."""

    tables = """
        CREATE TABLE IF NOT EXISTS projected.tables (
            table_id text PRIMARY KEY, name text NOT NULL, records bigint NOT NULL
        );
        CREATE TABLE IF NOT EXISTS projected.writers (
            writer text PRIMARY KEY, writes bigint NOT NULL
        );
    """

    def name_table(self, tracking: Tracking, table_id: str, name: str) -> None:
        with self.tracked(tracking) as connection:
            connection.execute(
                "INSERT INTO projected.tables VALUES (%s, %s, 0)"
                " ON CONFLICT (table_id) DO UPDATE SET name = excluded.name",
                [table_id, name],
            )

    def count(self, tracking: Tracking, table_id: str, more: int, writer: str) -> None:
        with self.tracked(tracking) as connection:
            connection.execute(
                "UPDATE projected.tables SET records = records + %s"
                " WHERE table_id = %s",
                [more, table_id],
            )
            connection.execute(
                "INSERT INTO projected.writers AS w VALUES (%s, 1)"
                " ON CONFLICT (writer) DO UPDATE SET writes = w.writes + 1",
                [writer],
            )

    def report(self) -> str:
        tables = self.read(
            "SELECT name, records FROM projected.tables ORDER BY records DESC, name"
            " LIMIT 10"
        )
        writers = self.read(
            "SELECT writer, writes FROM projected.writers ORDER BY writes DESC, writer"
            " LIMIT 5"
        )
        lines = ["records  table", *(f"{n:7}  {name}" for name, n in tables), ""]
        lines += [" writes  by", *(f"{n:7}  {writer}" for writer, n in writers)]
        return "\n".join(lines)


class Counting(Projection[Counts]):
    name = "counting"

    def process_event(self, domain_event: object, tracking: Tracking) -> None:
        match domain_event:
            case Recorded(event=TableCreated(table_id=table_id, name=name)):
                self.view.name_table(tracking, table_id, name)
            case Recorded(
                event=TableUpdated(
                    table_id=table_id, changes={"name": {"to": str(name)}}
                )
            ):
                self.view.name_table(tracking, table_id, name)
            case Recorded(event=RecordCreated() | RecordRestored() as one, actor=actor):
                self.view.count(tracking, one.table_id, 1, actor.id)
            case Recorded(event=RecordDeleted() as one, actor=actor):
                self.view.count(tracking, one.table_id, -1, actor.id)
            case Recorded(event=RecordUpdated() as one, actor=actor):
                self.view.count(tracking, one.table_id, 0, actor.id)
            case _:
                self.view.insert_tracking(tracking)  # seen, and nothing to count


def main(*arguments: str) -> None:
    with ProjectionRunner(
        application_class=Ledger,
        projection_class=Counting,
        view_class=Counts,
        env=Ledger.env,
    ) as runner:
        runner.wait(runner.app.recorder.max_notification_id(), timeout=3600)
        shown = runner.view.report()
        print(shown, flush=True)
        while "--once" not in arguments and not runner.is_interrupted.is_set():
            runner.run_forever(timeout=1)
            report = runner.view.report()
            if report != shown:
                print(f"\n{report}", flush=True)
            shown = report


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
