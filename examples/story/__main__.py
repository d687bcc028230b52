"""Plays the story on a stack that runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from examples.story.cast import Cast, StoryError
from examples.story.evidence import MailFolder, Mailpit, Records
from examples.story.steps import Story


def play(
    accounts: Annotated[Path, typer.Option(help="The file with the addresses and the accounts.")],
    mongo_uri: Annotated[str, typer.Option(help="MongoDB, as somebody who may read the records.", envvar="AUDIT_URI")],
    database: Annotated[str, typer.Option(help="The database of audit_service.")] = "lockbox_audit",
    mail: Annotated[Path | None, typer.Option(help="The folder that messages arrive in.")] = None,
    mailpit: Annotated[str | None, typer.Option(help="The Mailpit that messages arrive at.")] = None,
) -> None:
    """Play the story; a line for each step, and exit code 1 if any is not as it should be."""
    inbox = Mailpit(mailpit) if mailpit else MailFolder(mail or Path("var/mail"))
    story = Story(Cast(accounts), inbox, Records(mongo_uri, database))
    steps = sorted(name for name in dir(Story) if name.startswith("step_"))
    for number, name in enumerate(steps, start=1):
        try:
            typer.echo(f"{number}. ok      {getattr(story, name)()}")
        except StoryError as error:
            typer.echo(f"{number}. FAILED  {error}")
            sys.exit(1)


if __name__ == "__main__":
    typer.run(play)
