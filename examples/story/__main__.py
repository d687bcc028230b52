"""Plays the story on a stack that runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from examples.story.cast import Cast, StoryError
from examples.story.evidence import MailFolder, Mailpit, Records
from examples.story.policies import require_default_policies
from examples.story.steps import Story
from lockbox.provision.environment import ENVIRONMENT, read_environment


def play(
    home: Annotated[Path, typer.Option(help="The home of a local stack.")] = Path("var"),
    accounts: Annotated[Path | None, typer.Option(help="The file with the addresses and the accounts.")] = None,
    mongo_uri: Annotated[str | None, typer.Option(help="MongoDB, as somebody who may read the records.")] = None,
    database: Annotated[str, typer.Option(help="The database of audit_service.")] = "lockbox_audit",
    mailpit: Annotated[str | None, typer.Option(help="The Mailpit that messages arrive at.")] = None,
) -> None:
    """Play the story; a line for each step, and exit code 1 if any is not as it should be."""
    uri = mongo_uri or read_environment(home / "services" / "audit_service" / ENVIRONMENT)["LOCKBOX_MONGO_URI"]
    inbox = Mailpit(mailpit) if mailpit else MailFolder(home / "mail")
    story = Story(Cast(accounts or home / "demo-accounts.json"), inbox, Records(uri, database))
    try:
        require_default_policies(story.cast)
    except StoryError as error:
        typer.echo(f"The story was not played: {error}")
        sys.exit(1)
    for number, name in enumerate(sorted(name for name in dir(Story) if name.startswith("step_")), start=1):
        try:
            typer.echo(f"{number}. ok      {getattr(story, name)()}")
        except StoryError as error:
            typer.echo(f"{number}. FAILED  {error}")
            sys.exit(1)


if __name__ == "__main__":
    typer.run(play)
