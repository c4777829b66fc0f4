"""Whose a slug is: known until a read finds that it is another's.

The workspace's catalogue, which every read checks, has the slug too.
"""

import re
from collections import OrderedDict

from domain.ids import WorkspaceId
from projections.reader import Reader

_KEPT = 20_000  # slugs
_SLUG = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)


class Sites:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: OrderedDict[str, WorkspaceId] = OrderedDict()

    def known(self, slug: str) -> WorkspaceId | None:
        return self._known.get(slug)

    async def find(self, slug: str) -> WorkspaceId | None:
        """As the database knows it: one look-up by the primary key, and none for what
        cannot be a slug.  An unknown one is not kept."""
        self._known.pop(slug, None)
        if not _SLUG.fullmatch(slug):
            return None
        (rows,) = await self._reader.run([(_BY_SLUG, [slug])])
        if not rows:
            return None
        found = WorkspaceId(rows[0][0])
        self._known[slug] = found
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


_BY_SLUG = b"SELECT workspace_id FROM catalog.slugs WHERE slug = %s"
