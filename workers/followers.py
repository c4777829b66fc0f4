"""Who follows the feed in a process, as the settings have it: wired once."""

from collections.abc import Sequence

from commands.settings import Settings
from workers.following import Follower
from workers.webhooks import Surface, Webhooks


def followers(settings: Settings, surfaces: Sequence[Surface]) -> Sequence[Follower]:
    """`surfaces`: in whose words webhooks are told things."""
    found: list[Follower] = [Webhooks(surfaces)]
    if settings.kafka_bootstrap_servers:
        # aiokafka is imported by those who want it
        from workers.relay import Relay

        found.append(Relay(settings))
    return found
