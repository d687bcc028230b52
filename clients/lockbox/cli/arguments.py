"""Arguments and options that several commands have: ids and names are checked before the portal is asked."""

from collections.abc import Callable
from typing import Annotated

import typer

from lockbox.faults import Expected
from lockbox.values import names

Check = Callable[[str | None], str | None]


def _checked(fits: Callable[[str], bool], expected: str) -> Check:
    """Return the callback of an argument: it raises `BadParameter`, which names the argument."""

    def check(value: str | None) -> str | None:
        if value is not None and not fits(value):
            raise typer.BadParameter(f"expected {expected}, got {value!r}")
        return value

    return check


def _is_grant_or_token(value: str) -> bool:
    return names.is_signed(value) or names.is_uuid(value)


an_id = _checked(names.is_uuid, Expected("not_a_uuid").text)
a_tenant = _checked(names.is_tenant, Expected("not_a_tenant_name").text)
a_key = _checked(names.is_thumbprint, Expected("not_a_thumbprint").text)
a_queue = _checked(names.is_queue, "the name of a queue such as audit_service.on_event.v1")
an_id_or_token = _checked(_is_grant_or_token, f"{Expected('not_a_uuid').text}, or a signed grant")

Tenant = Annotated[str, typer.Argument(help="The tenant.", callback=a_tenant)]
RequestId = Annotated[str, typer.Argument(help="The request ID.", callback=an_id)]
GrantId = Annotated[str, typer.Argument(help="The grant ID.", callback=an_id)]
GrantOrToken = Annotated[
    str, typer.Argument(help="The grant ID, or the signed grant that `lockbox token` printed.", callback=an_id_or_token)
]
KeyId = Annotated[str, typer.Argument(help="The key ID; after -- if it begins with -.", callback=a_key)]
Queue = Annotated[str, typer.Argument(help="The queue, such as audit_service.on_event.v1.", callback=a_queue)]
ParkedId = Annotated[str, typer.Argument(help="The parked ID.", callback=an_id)]
OneId = Annotated[str | None, typer.Argument(help="The parked ID, or --all.", callback=an_id)]
OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only those of this tenant.", callback=a_tenant)]
Limit = Annotated[int, typer.Option(help="The size of a page, 1 to 200.", min=1, max=200)]
Every = Annotated[bool, typer.Option("--all", help="All pages, not only the first.")]
