"""The surfaces in whose words webhooks are told things."""

from collections.abc import Sequence

from api.cms.hooks import Cms
from api.pybase.hooks import PyBase
from workers.webhooks import Surface


def surfaces() -> Sequence[Surface]:
    return (PyBase(), Cms())
