"""How the CMS spells what there is."""

from typing import Any

from commands.accounts import Account


def person(account: Account) -> dict[str, Any]:
    return {
        "id": account.user_id,
        "email": account.email,
        "full_name": account.name,
        "username": account.username,
    }


def profile(account: Account, workspace_id: str | None) -> dict[str, Any]:
    return {
        "id": account.user_id,
        "email": account.email,
        "username": account.username,
        "full_name": account.name,
        "avatar": account.avatar,
        "email_verified": account.email_verified,
        "workspace_id": workspace_id,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    }
