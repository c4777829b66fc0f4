"""Tasks: what is to be done once, by one of the processes, some time after a commit.

The row is the truth; what carries tasks about carries ids alone.

    a transaction ── a row, notice tabellion_due
    sweep         ── overdue(): ids; each is marked as told, for a minute at the most
    engine        ── carries the ids to whoever has room: of this process, or by Redis
    perform(id)   ── takes the row's lease, does it, writes down how it went

So an id may be told twice, late, or to nobody: the lease keeps two from doing it at
once, and whoever was told and died is found by the sweep when the mark, or the lease,
has run out.  What a task does outside of the database happens at least once.
"""

from workers.tasks.engine import Engine
from workers.tasks.in_process import InProcess
from workers.tasks.job import CHANNEL, Job
from workers.tasks.sweep import Sweep
from workers.tasks.tasks import Tasks, engine_for

__all__ = ["CHANNEL", "Engine", "InProcess", "Job", "Sweep", "Tasks", "engine_for"]
