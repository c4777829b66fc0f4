"""Views of tables, and the forms among them."""

from api.pybase import forms, schemas, shapes, views
from api.pybase.routes.rows import EDITOR, ID, PAGING, READ, VIEWER, read, write
from api.routes import Route
from api.schemas import array

_BY = (("by", "string", "`id`: values by field id too, as `data`"),)
_TABLE = ("table_id", ID, "The table")


def view_rows() -> list[Route]:
    v, one, tag = views, schemas.VIEW, "views"
    return [
        read(
            "/views",
            "Views of a table, in their order",
            v.list_views,
            tag,
            schemas.page(one),
            query=(_TABLE, *PAGING),
            needs=("table_id",),
        ),
        write(
            "POST",
            "/views",
            "Make a view",
            v.create_view,
            tag,
            EDITOR,
            body=shapes.CreateView,
            response=one,
        ),
        read(
            "/views/default",
            "A table's first view, or a grid of everything where it has none",
            v.get_default_view,
            tag,
            one,
            query=(_TABLE,),
            needs=("table_id",),
        ),
        write(
            "POST",
            "/views/reorder",
            "Put views first, in this order",
            v.reorder_views,
            tag,
            EDITOR,
            status=200,
            body=shapes.ReorderViews,
            response=array(one),
        ),
        read("/views/{id}", "A view", v.get_view, tag, one),
        write(
            "PATCH",
            "/views/{id}",
            "Change a view",
            v.update_view,
            tag,
            EDITOR,
            body=shapes.UpdateView,
            response=one,
        ),
        write("DELETE", "/views/{id}", "Delete a view", v.delete_view, tag, EDITOR),
        write(
            "POST",
            "/views/{id}/duplicate",
            "Copy a view",
            v.duplicate_view,
            tag,
            EDITOR,
            body=shapes.DuplicateView,
            body_needed=False,
            response=one,
        ),
        write(
            "POST",
            "/views/{id}/data",
            "Records as a view shows them",
            v.get_data,
            tag,
            VIEWER,
            status=200,
            body=shapes.ViewData,
            body_needed=False,
            response=schemas.VIEW_PAGE,
            query=_BY,
            errors=(*READ, 413, 415),
        ),
        read(
            "/views/{id}/form",
            "What a form asks for",
            forms.get_form,
            tag,
            schemas.FORM,
        ),
        *(
            write(
                "POST",
                f"/views/{{id}}/{word}",
                "Fill in a form: makes a record",
                forms.submit_form,
                tag,
                EDITOR,
                body=shapes.SubmitForm,
                response=schemas.RECORD,
            )
            for word in ("form/submit", "submit")
        ),
    ]
