"""What calls say alike of their queries."""

from domain.errors import Invalid


def missing(name: str) -> Invalid:
    """The refusal of a query without a parameter that has to be there."""
    problem = {"loc": [name], "msg": "Field required", "type": "missing"}
    return Invalid(errors=[problem])  # type: ignore[list-item]
