"""Tables, fields and constraints."""

from api.pybase import schemas, shapes, tables
from api.pybase.routes.rows import (
    ADMIN,
    AS_OF,
    ID,
    PAGING,
    read,
    write,
)
from api.routes import Route
from api.schemas import array


def table_rows() -> list[Route]:
    t, one, tag = tables, schemas.TABLE, "tables"
    return [
        read(
            "/tables",
            "Tables of a base",
            t.list_tables,
            tag,
            schemas.page(one),
            query=(("base_id", ID, "The base"), *PAGING),
            needs=("base_id",),
        ),
        write(
            "POST",
            "/tables",
            "Make a table, with fields",
            t.create_table,
            tag,
            ADMIN,
            body=shapes.CreateTable,
            response=one,
        ),
        read(
            "/tables/{id}",
            "A table with its fields",
            t.get_table,
            tag,
            one,
            query=(AS_OF,),
        ),
        write(
            "PATCH",
            "/tables/{id}",
            "Change a table",
            t.update_table,
            tag,
            ADMIN,
            body=shapes.UpdateTable,
            response=one,
        ),
        write(
            "DELETE",
            "/tables/{id}",
            "Delete a table and the links to it",
            t.delete_table,
            tag,
            ADMIN,
        ),
    ]


def field_rows() -> list[Route]:
    t, one, tag = tables, schemas.FIELD, "fields"
    return [
        read(
            "/fields",
            "Fields of a table",
            t.list_fields,
            tag,
            schemas.page(one),
            query=(("table_id", ID, "The table"), *PAGING, AS_OF),
            needs=("table_id",),
        ),
        write(
            "POST",
            "/fields",
            "Make a field",
            t.make_field,
            tag,
            ADMIN,
            body=shapes.CreateField,
            response=one,
        ),
        write(
            "POST",
            "/fields/reorder",
            "Put fields first, in an order; the rest follow",
            t.reorder_fields,
            tag,
            ADMIN,
            status=200,
            body=shapes.ReorderFields,
            response=array(one),
        ),
        read("/fields/{id}", "A field", t.get_field, tag, one),
        write(
            "PATCH",
            "/fields/{id}",
            "Change a field",
            t.update_field,
            tag,
            ADMIN,
            body=shapes.UpdateField,
            response=one,
        ),
        write("DELETE", "/fields/{id}", "Delete a field", t.delete_field, tag, ADMIN),
        read(
            "/fields/{id}/constraint",
            "The field's unique constraint",
            t.constraint_of_field,
            tag,
            schemas.CONSTRAINT,
        ),
    ]


def constraint_rows() -> list[Route]:
    t, one, tag = tables, schemas.CONSTRAINT, "constraints"
    query = (
        ("table_id", ID, "Constraints of a table"),
        ("field_id", ID, "Constraints of a field"),
        *PAGING,
    )
    return [
        read(
            "/constraints",
            "Unique constraints",
            t.list_constraints,
            tag,
            schemas.page(one),
            query=query,
        ),
        write(
            "POST",
            "/constraints",
            "Make a unique constraint",
            t.create_constraint,
            tag,
            ADMIN,
            body=shapes.CreateConstraint,
            response=one,
        ),
        read("/constraints/{id}", "A constraint", t.get_constraint, tag, one),
        write(
            "PATCH",
            "/constraints/{id}",
            "Change, disable or enable a constraint",
            t.update_constraint,
            tag,
            ADMIN,
            body=shapes.UpdateConstraint,
            response=one,
        ),
        write(
            "DELETE",
            "/constraints/{id}",
            "Delete a constraint",
            t.delete_constraint,
            tag,
            ADMIN,
        ),
    ]
