"""Options that several verbs have."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

AccountFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(help='A file with {"email", "password"}, such as the demo keeps'),
]
Email: TypeAlias = Annotated[
    str | None, typer.Option(help="An e-mail address; the password is asked for")
]
ServerUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(help="The server's address; else the one the settings name"),
]
