"""What an RPC is: a message that knows its service, its method and the kind of its answer."""

import re
from typing import Any, ClassVar, Generic, TypeVar, get_args

EVERY = "*"

R = TypeVar("R")


class Call(Generic[R]):
    """A command or query with an answer of kind `R`.

    `class Decide(Call[ApprovalView], service="approval_service")` is answered by the method `decide` of
    approval_service. With `service=EVERY` each service answers it, and who calls says which one is meant.
    """

    service: ClassVar[str]
    method: ClassVar[str]
    answer: ClassVar[type]

    def __init_subclass__(cls, service: str, **options: Any) -> None:
        """Name the method after the class and read the kind of the answer off its base."""
        super().__init_subclass__(**options)
        cls.service = service
        cls.method = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        [cls.answer] = [
            kind
            for base in cls.__orig_bases__  # type: ignore[attr-defined]
            if getattr(base, "__origin__", None) is Call
            for kind in get_args(base)
        ]
