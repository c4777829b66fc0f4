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
