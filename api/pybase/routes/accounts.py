"""Signing in, and the caller's own account."""

from api.pybase import keys, schemas, shapes
from api.pybase.accounts import Accounts, me, update_me
from api.pybase.routes.rows import (
    public,
    read,
    write,
)
from api.routes import Route
from api.schemas import array


def account_rows(accounts: Accounts) -> list[Route]:
    signed_in = schemas.SIGNED_IN
    return [
        public(
            "POST",
            "/auth/register",
            "Register a user",
            accounts.register,
            "auth",
            status=201,
            body=shapes.Register,
            response=signed_in,
        ),
        public(
            "POST",
            "/auth/login",
            "Log in",
            accounts.login,
            "auth",
            body=shapes.Login,
            response=signed_in,
        ),
        public(
            "POST",
            "/auth/refresh",
            "Trade a refresh token for new tokens",
            accounts.refresh,
            "auth",
            body=shapes.Refresh,
            response=schemas.TOKENS,
        ),
        write(
            "POST", "/auth/logout", "Log out", accounts.logout, "auth", None, status=204
        ),
        read("/auth/me", "The caller", me, "auth", schemas.USER, role=None),
        write(
            "POST",
            "/auth/change-password",
            "Change the password; every other session ends",
            accounts.change_password,
            "auth",
            None,
            status=204,
            body=shapes.ChangePassword,
        ),
        read("/users/me", "The caller", me, "users", schemas.USER, role=None),
        write(
            "PATCH",
            "/users/me",
            "Change the caller's name",
            update_me,
            "users",
            None,
            body=shapes.UpdateUser,
            response=schemas.USER,
        ),
        read(
            "/users/me/api-keys",
            "The caller's API keys",
            keys.list_keys,
            "users",
            array(schemas.API_KEY),
            role=None,
        ),
        write(
            "POST",
            "/users/me/api-keys",
            "Make an API key: the only reply that shows it",
            keys.create_key,
            "users",
            None,
            body=shapes.CreateApiKey,
            response=schemas.NEW_API_KEY,
        ),
        write(
            "DELETE",
            "/users/me/api-keys/{id}",
            "Delete an API key",
            keys.delete_key,
            "users",
            None,
        ),
    ]
