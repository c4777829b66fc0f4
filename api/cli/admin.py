"""`tabellion admin`: the first administrator."""

import asyncio
from typing import Annotated

import typer


def admin(
    email: Annotated[str, typer.Argument(help="The administrator's e-mail address")],
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            confirmation_prompt=True,
            hide_input=True,
            envvar="TABELLION_ADMIN_PASSWORD",
            help="At least 8 characters; asked for when not given",
        ),
    ],
) -> None:
    """Make an account an administrator of the instance, registering it if needed."""
    from commands.embedded import database
    from commands.first_administrator import make_administrator
    from commands.settings import load_settings
    from commands.system import System, build
    from domain.errors import DomainError

    async def run(system: System) -> str:
        await system.start()
        try:
            return await make_administrator(system, email, password)
        finally:
            await system.stop()

    settings = load_settings()
    with database(settings) as urls:
        try:
            user_id = asyncio.run(run(build(settings, urls)))
        except DomainError as error:
            typer.echo(f"tabellion: {error.detail}", err=True)
            raise typer.Exit(1) from error
    typer.echo(f"{email} is an administrator (user {user_id})")
