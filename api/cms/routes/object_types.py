"""Object types and their field definitions."""

from api.cms import object_types, schemas, shapes
from api.cms.routes.rows import read, write
from api.routes import Route
from api.schemas import ID, array
from domain.access import Role

_WORKSPACE = ("workspace_id", ID, "Whose object types")


def object_type_rows() -> list[Route]:
    types, tag = object_types, "object types"
    return [
        write(
            "POST",
            "/object-types",
            "Make an object type with its fields",
            types.create_type,
            tag,
            schemas.OBJECT_TYPE,
            Role.admin,
            body=shapes.CreateObjectType,
        ),
        read(
            "/object-types",
            "The object types of a workspace, newest first",
            types.list_types,
            tag,
            array(schemas.OBJECT_TYPE_LISTED),
            Role.viewer,
            query=[_WORKSPACE],
            needs=["workspace_id"],
        ),
        read(
            "/object-types/{id}",
            "An object type",
            types.get_type,
            tag,
            schemas.OBJECT_TYPE_WHOLE,
            Role.viewer,
        ),
        write(
            "PATCH",
            "/object-types/{id}",
            "Change an object type; fields that are not named stay as they are",
            types.update_type,
            tag,
            schemas.OBJECT_TYPE,
            Role.admin,
            body=shapes.UpdateObjectType,
        ),
        write(
            "DELETE",
            "/object-types/{id}",
            "Delete an object type with its entries",
            types.delete_type,
            tag,
            schemas.OBJECT_TYPE_DELETED,
            Role.admin,
        ),
    ]
