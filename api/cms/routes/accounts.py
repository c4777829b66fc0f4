"""Signing up, signing in, and the caller's own profile."""

from api.cms import schemas, shapes
from api.cms.accounts import Accounts, logout
from api.cms.oauth import OAuth
from api.cms.profile import show_profile, update_profile
from api.cms.routes.rows import PUBLIC, public, read, write
from api.routes import Route
from commands.oauth.flows import CHALLENGE

_OAUTH_ERRORS = (400, 403, 409, 429, 501, 503)


def account_rows(accounts: Accounts, oauth: OAuth) -> list[Route]:
    return [
        public(
            "POST",
            "/auth/register",
            "Register a user",
            accounts.register,
            "auth",
            schemas.SIGNED_IN,
            status=201,
            body=shapes.Register,
        ),
        public(
            "POST",
            "/auth/login",
            "Log in",
            accounts.login,
            "auth",
            schemas.SIGNED_IN,
            body=shapes.Login,
        ),
        *_oauth_rows(oauth),
        write(
            "POST",
            "/auth/logout",
            "Log out: the token ends",
            logout,
            "auth",
            schemas.LOGGED_OUT,
            None,
            status=200,
        ),
        read(
            "/users/profile",
            "The caller's profile",
            show_profile,
            "users",
            schemas.PROFILE,
            None,
        ),
        write(
            "PATCH",
            "/users/profile",
            "Change the caller's profile",
            update_profile,
            "users",
            schemas.PROFILE,
            None,
            body=shapes.UpdateProfile,
        ),
    ]


def _oauth_rows(oauth: OAuth) -> list[Route]:
    return [
        Route(
            "GET",
            "/auth/oauth/start",
            "Sign in at the OAuth provider: leads there",
            oauth.start,
            "auth",
            public=True,
            status=302,
            query=(
                (
                    "redirect_uri",
                    {"type": "string", "format": "uri"},
                    "The page to lead back to, with a one-time code; without it the"
                    " callback answers itself",
                ),
                (
                    "code_challenge",
                    {"type": "string", "pattern": CHALLENGE},
                    "S256 of a verifier that the exchange has to bring along",
                ),
                ("code_challenge_method", {"const": "S256"}, "The only one there is"),
            ),
            errors=_OAUTH_ERRORS,
        ),
        public(
            "GET",
            "/auth/oauth/callback",
            "Where the OAuth provider leads back to",
            oauth.callback,
            "auth",
            schemas.SIGNED_IN,
            query=(
                ("code", "string", "The provider's authorization code"),
                ("state", "string", "What the start sent along"),
                ("error", "string", "The provider's word where there is no code"),
            ),
            needs=("state",),
            errors=_OAUTH_ERRORS,
            also={302: {}},
        ),
        public(
            "POST",
            "/auth/exchange",
            "Trade a one-time code for a token",
            oauth.exchange,
            "auth",
            schemas.SIGNED_IN,
            body=shapes.Exchange,
            errors=(*PUBLIC, 501),
        ),
    ]
