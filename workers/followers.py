"""Who follows the feed in a process, as the settings have it: wired once."""

from collections.abc import Sequence

from commands.settings import Settings
from workers.following import Follower


def followers(settings: Settings) -> Sequence[Follower]:
    found: list[Follower] = []
    if settings.kafka_bootstrap_servers:
        # aiokafka is imported by those who want it
        from workers.relay import Relay

        found.append(Relay(settings))
    return found
