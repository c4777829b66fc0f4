"""What a process keeps of what was asked for lately, up to so many bytes: what nobody
asked for the longest goes first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def size(self) -> int:
        """About how many bytes it takes."""


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Sized)


class Kept(Generic[K, V]):
    """Values by what was asked.  One that has changed its size is put again."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, beside: int = 0) -> None:
        """`beside`: bytes of the key, where these count."""
        _, before = self._values.pop(key, (None, 0))
        size = value.size + beside
        self._values[key] = value, size
        self.bytes += size - before
        while self.bytes > self.most_bytes:
            _, (_, oldest) = self._values.popitem(last=False)
            self.bytes -= oldest
