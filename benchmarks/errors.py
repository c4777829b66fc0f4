"""Why a run cannot be made.

CannotMeasure
"""


class CannotMeasure(Exception):
    """The machine, a program or a server does not let us measure"""
