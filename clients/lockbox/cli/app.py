"""The base of every command: an option counts once, and the running command is known."""

from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperOption

F = TypeVar("F", bound=Callable[..., Any])

running: ContextVar[typer.Context | None] = ContextVar("running", default=None)


class SingleValueCommand(TyperCommand):
    """A command that refuses an option with two values, unless it is a list."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; raise `BadParameter` for an option that is given again."""
        *_, order = self.make_parser(ctx).parse_args(list(args))
        for param, times in Counter(order).items():
            if times > 1 and isinstance(param, TyperOption) and not param.multiple:
                raise typer.BadParameter("expected one value, not several", ctx=ctx, param=param)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, known as the running one."""
        token = running.set(ctx)
        try:
            return super().invoke(ctx)
        finally:
            running.reset(token)


class App(typer.Typer):
    """A group of such commands."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[F], F]:
        """Return the decorator that adds a command."""
        return super().command(name, cls=SingleValueCommand, **options)
