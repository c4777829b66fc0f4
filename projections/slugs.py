"""Reads of a workspace that is named by its slug.

Whose a slug is stays known until a read finds that it is another's: the workspace's
catalogue, which every read checks, has the slug too.
"""

import re
from collections.abc import Sequence

from domain.catalog import Catalog
from domain.errors import NotFound, Unauthenticated
from domain.ids import UserId, WorkspaceId
from projections.reader import SESSION, Caller, Found, Plan, Reader, Statement

_CACHED = 20_000  # slugs
_SLUG = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)


class Slugs:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[str, WorkspaceId] = {}

    async def ask(
        self, caller: Caller, slug: str, plan: Plan, *, min_position: int | None = None
    ) -> Found:
        """What `Reader.ask` gives and raises; NotFound also where no workspace has the
        slug, or where the caller's token is another's."""

        def checked(catalog: Catalog) -> Sequence[Statement]:
            if catalog.live_workspace().slug != slug:
                raise NotFound()
            _check_since(catalog, caller)
            return plan(catalog)

        known = self._known.get(slug)
        while True:
            workspace_id = known or await self._find(caller, slug)
            try:
                if caller.workspace_id not in (None, workspace_id):
                    raise NotFound()
                return await self._reader.ask(
                    caller, workspace_id, checked, min_position=min_position
                )
            except NotFound:
                # the slug may be another's by now
                if known is None or await self._find(caller, slug) == known:
                    raise
                known = None

    async def _find(self, caller: Caller, slug: str) -> WorkspaceId:
        """Raises Unauthenticated for a dead session, NotFound."""
        rows, sessions = await self._reader.run(
            [
                (_BY_SLUG, [slug if _SLUG.fullmatch(slug) else ""]),
                (SESSION, [caller.session_id]),
            ]
        )
        if not sessions:
            raise Unauthenticated()
        if not rows:
            raise NotFound()
        workspace_id = WorkspaceId(rows[0][0])
        if len(self._known) >= _CACHED:
            self._known.clear()
        self._known[slug] = workspace_id
        return workspace_id


def _check_since(catalog: Catalog, caller: Caller) -> None:
    """A token is of the membership in which it was made: who is let in again later
    makes others."""
    member = catalog.members.get(UserId(caller.user_id))
    if caller.since is not None and member and member.created_at > caller.since:
        raise NotFound()


_BY_SLUG = b"SELECT workspace_id FROM catalog.slugs WHERE slug = %s"
