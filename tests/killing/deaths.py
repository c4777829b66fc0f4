"""Which things die, how many of them, and when: of a seed that is told."""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping

from tests.redis_server import RedisServer

LONG = "TABELLION_KILLS" in os.environ
SEED = int(os.environ.get("TABELLION_SEED") or random.SystemRandom().getrandbits(32))


def kills(unless_told: int) -> int:
    return int(os.environ.get("TABELLION_KILLS", str(unless_told)))


def tell(line: str) -> None:
    """Shown by pytest when the test fails, or with -s."""
    sys.stdout.write(line + "\n")


def strike(
    ways: Mapping[str, Callable[[], None]],
    count: int,
    choose: random.Random,
    until_it_stands: Callable[[], None],
) -> None:
    """So many deaths at random moments, each way once before any comes again."""
    coming: list[str] = []
    for number in range(1, count + 1):
        coming = coming or choose.sample(list(ways), len(ways))
        name = coming.pop()
        time.sleep(choose.uniform(0.3, 2.0))
        tell(f"{number}: {name}")
        ways[name]()
        if choose.random() < 0.5:  # now and then the next blow comes before it stands
            until_it_stands()


def bounce(valkey: RedisServer, choose: random.Random) -> None:
    """It is killed, and away for a while."""
    valkey.kill()
    time.sleep(choose.uniform(0.0, 2.0))
    valkey.start()
