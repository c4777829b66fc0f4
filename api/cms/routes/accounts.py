"""Signing up and signing in."""

from api.cms import schemas, shapes
from api.cms.accounts import Accounts
from api.routes import Route

_ERRORS = (400, 401, 409, 413, 415, 422, 429, 503)


def account_rows(accounts: Accounts) -> list[Route]:
    return [
        Route(
            "POST",
            "/auth/register",
            "Register a user",
            accounts.register,
            "auth",
            public=True,
            status=201,
            body=shapes.Register,
            response=schemas.SIGNED_IN,
            errors=_ERRORS,
        ),
        Route(
            "POST",
            "/auth/login",
            "Log in",
            accounts.login,
            "auth",
            public=True,
            body=shapes.Login,
            response=schemas.SIGNED_IN,
            errors=_ERRORS,
        ),
    ]
