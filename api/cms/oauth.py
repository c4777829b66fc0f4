"""Signing in at another provider of accounts, and what comes back from it.

    GET  /auth/oauth/start      sends the browser to the provider
    GET  /auth/oauth/callback   the provider sends it back: {user, token}, or, where the
                                start named a page, on to that page with a one-time code
    POST /auth/exchange         the page trades the code for {user, token}

No token stands in an address.  The settings name the provider; without one all three
answer 501.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from api.accounts import sign_in
from api.cms import shapes
from api.cms.accounts import Accounts
from api.guesses import Guesses
from api.http import Reply, Request
from commands import accounts
from commands.accounts import Account
from commands.oauth import people
from commands.oauth.flows import (
    CHALLENGE,
    STATE_SECONDS,
    Flows,
    Redeemed,
    Returned,
)
from commands.oauth.provider import Provider
from commands.oauth.redirects import is_allowed, with_query
from commands.settings import Settings
from commands.system import System
from commands.unit import Origin
from domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Malformed,
    NotImplementedYet,
)
from domain.events import Actor

COOKIE = "tabellion_oauth"
CALLBACK = "/auth/oauth/callback"
_LONGEST = 2000  # characters of what the provider sends along


class OAuth:
    """The handlers of the three."""

    def __init__(
        self,
        system: System,
        provider: Provider | None,
        accounts: Accounts,
        guesses: Guesses | None,
    ) -> None:
        settings = system.settings
        self._provider, self._accounts, self._guesses = provider, accounts, guesses
        self._flows = Flows(system.reader, settings.secret_key.get_secret_value())
        self._callback = settings.cms_url + CALLBACK
        self._cookie = _Cookie(settings)

    async def start(self, system: System, request: Request) -> Reply:
        provider = self._asked()
        query = request.query
        redirect_uri = query.get("redirect_uri")
        if redirect_uri is not None:
            _check_redirect(system.settings, redirect_uri)
        begun = await self._flows.begin(redirect_uri, _challenge(query))
        address = provider.address(self._callback, begun.state, begun.challenge)
        return _to(address, self._cookie.of(begun.cookie, STATE_SECONDS))

    async def callback(self, system: System, request: Request) -> Reply:
        provider = self._asked()
        query = request.query
        state = query.get("state", "")
        if not 0 < len(state) <= _LONGEST:
            raise Malformed("The state is missing")
        returned = await self._flows.end(state, _cookie_in(request))
        if returned.redirect_uri is None:
            me = await self._person(system, request, provider, returned)
            body = await self._accounts.signed_in(system, me)
            return Reply(200, body, {"set-cookie": self._cookie.of("", 0)})
        # looked at again: what is allowed may have changed
        _check_redirect(system.settings, returned.redirect_uri)
        words = await self._told_to_page(system, request, provider, returned)
        address = with_query(returned.redirect_uri, words)
        return _to(address, self._cookie.of("", 0))

    async def exchange(self, system: System, request: Request) -> Reply:
        self._asked()
        wanted = request.shape(shapes.Exchange)
        redeemed = await self._flows.redeem(
            wanted.code,
            wanted.code_verifier,
            with_password=wanted.password is not None,
        )
        me = await accounts.find(system.reader, redeemed.user_id)
        if redeemed.identity is not None and wanted.password is not None:
            me = await self._linked(system, request, me, redeemed, wanted.password)
        return Reply(200, await self._accounts.signed_in(system, me))

    # ------------------------------------------------------------------ parts

    def _asked(self) -> Provider:
        if self._provider is None:
            raise NotImplementedYet("No OAuth provider is configured")
        return self._provider

    async def _person(
        self, system: System, request: Request, provider: Provider, returned: Returned
    ) -> Account:
        """The account of who signed in at the provider.  Raises DomainError."""
        query = request.query
        if "error" in query:
            raise Forbidden("The provider did not sign you in")
        code = query.get("code", "")
        if not 0 < len(code) <= _LONGEST:
            raise Malformed("The code is missing")
        person = await provider.person(code, returned.verifier, self._callback)
        try:
            return await people.account_of(
                system, person, request.surface, request.request_id
            )
        except people.NeedsPassword as needs:
            link = await self._flows.hand_over(
                needs.user_id, returned.challenge, person.identity
            )
            raise Conflict(
                "An account has this e-mail address: its password, sent with the"
                " link_code to /auth/exchange, links the two",
                link_code=link,
            ) from needs

    async def _told_to_page(
        self, system: System, request: Request, provider: Provider, returned: Returned
    ) -> dict[str, str]:
        """What the page is told in its address: a code, or in a word why there is
        none."""
        try:
            me = await self._person(system, request, provider, returned)
        except DomainError as error:
            link = error.extra.get("link_code")
            if isinstance(link, str):
                return {"code": link, "link": "password"}
            return {"error": error.code.lower()}
        code = await self._flows.hand_over(me.user_id, returned.challenge)
        return {"code": code}

    async def _linked(
        self,
        system: System,
        request: Request,
        me: Account,
        redeemed: Redeemed,
        password: str,
    ) -> Account:
        assert redeemed.identity is not None
        known, _ = await sign_in(system, request, me.email, password, self._guesses)
        origin = Origin(
            Actor("user", known.user_id), request.surface, request.request_id
        )
        return await people.link(system, known, redeemed.identity, origin)


class _Cookie:
    """What ties a sign-in to the browser that began it: sent to the callback alone."""

    def __init__(self, settings: Settings) -> None:
        path = urlsplit(settings.cms_url).path + CALLBACK
        safe = "; Secure" if settings.cms_url.startswith("https://") else ""
        # lax: the provider's page leads to the callback
        self._rest = f"; Path={path}; HttpOnly; SameSite=Lax{safe}"

    def of(self, value: str, seconds: int) -> str:
        return f"{COOKIE}={value}; Max-Age={seconds}{self._rest}"


def _cookie_in(request: Request) -> str | None:
    for one in (request.header("cookie") or "").split(";"):
        name, _, value = one.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def _check_redirect(settings: Settings, address: str) -> None:
    if not is_allowed(address, settings.oauth_redirect_origins):
        raise Malformed("The redirect_uri is not one of those that are allowed")


def _challenge(query: Mapping[str, str]) -> str | None:
    """The client's own code challenge, if it sends one: of S256 alone."""
    challenge = query.get("code_challenge")
    if challenge is None:
        return None
    if query.get("code_challenge_method", "S256") != "S256":
        raise Malformed("The code_challenge_method must be S256")
    if not re.fullmatch(CHALLENGE, challenge):
        raise Malformed("The code_challenge must be the S256 of a code verifier")
    return challenge


def _to(address: str, cookie: str) -> Reply:
    return Reply(302, b"{}", {"location": address, "set-cookie": cookie})
