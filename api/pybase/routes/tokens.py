"""Access tokens of a workspace."""

from api.pybase import schemas, shapes, tokens
from api.pybase.routes.rows import VIEWER, read, write
from api.routes import Route
from api.schemas import array


def token_rows() -> list[Route]:
    tag = "workspaces"
    return [
        read(
            "/workspaces/{id}/tokens",
            "The caller's access tokens; everybody's for an administrator",
            tokens.list_tokens,
            tag,
            array(schemas.ACCESS_TOKEN),
        ),
        write(
            "POST",
            "/workspaces/{id}/tokens",
            "Make an access token for Table REST: the only reply that shows it",
            tokens.create_token,
            tag,
            VIEWER,
            body=shapes.CreateAccessToken,
            body_needed=False,
            response=schemas.NEW_ACCESS_TOKEN,
        ),
        write(
            "DELETE",
            "/workspaces/{id}/tokens/{token_id}",
            "Revoke an access token; of others an administrator may",
            tokens.revoke_token,
            tag,
            VIEWER,
        ),
    ]
