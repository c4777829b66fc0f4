"""Signing up, signing in, and the caller's own profile."""

from api.cms import schemas, shapes
from api.cms.accounts import Accounts
from api.cms.profile import show_profile, update_profile
from api.cms.routes.rows import public, read, write
from api.routes import Route


def account_rows(accounts: Accounts) -> list[Route]:
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
