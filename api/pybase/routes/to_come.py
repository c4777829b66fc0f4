"""What is documented and not there yet."""

from api.pybase.routes.rows import ADMIN, EDITOR, VIEWER, planned
from api.routes import Route
from domain.access import Role

# documented, and not there yet: (method, path, role)
_TO_COME: tuple[tuple[str, str, Role], ...] = (
    ("POST", "/extraction/pdf", EDITOR),
    ("POST", "/extraction/dxf", EDITOR),
    ("POST", "/extraction/ifc", EDITOR),
    ("POST", "/extraction/step", EDITOR),
    ("POST", "/extraction/werk24", EDITOR),
    ("GET", "/extraction/jobs/{id}", VIEWER),
    ("POST", "/extraction/import/preview", EDITOR),
    ("POST", "/extraction/import/execute", EDITOR),
    ("GET", "/realtime/stats", VIEWER),
    ("GET", "/realtime/presence/{channel}", VIEWER),
    ("GET", "/realtime/presence/{channel}/focus", VIEWER),
    ("POST", "/realtime/broadcast/{channel}", EDITOR),
    ("GET", "/automations", VIEWER),
    ("POST", "/automations", ADMIN),
    ("GET", "/automations/{id}", VIEWER),
    ("PATCH", "/automations/{id}", ADMIN),
    ("DELETE", "/automations/{id}", ADMIN),
    ("POST", "/automations/{id}/actions", ADMIN),
    ("PATCH", "/automations/{id}/actions/{action_id}", ADMIN),
    ("DELETE", "/automations/{id}/actions/{action_id}", ADMIN),
    ("POST", "/automations/{id}/actions/reorder", ADMIN),
    ("POST", "/automations/{id}/trigger", EDITOR),
    ("POST", "/automations/{id}/pause", ADMIN),
    ("POST", "/automations/{id}/resume", ADMIN),
    ("GET", "/automations/{id}/runs", VIEWER),
    ("GET", "/automations/{id}/runs/{run_id}", VIEWER),
)


def rows_to_come() -> list[Route]:
    return [
        planned(method, path, "To come", path.split("/")[1], role)
        for method, path, role in _TO_COME
    ]
