"""The policy document as people edit it: JSON text to settings and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from lockbox.contracts import wire
from lockbox.contracts.fields import Flag
from lockbox.contracts.policy.document import MOST_STAGES, PolicySettings, StagePlan, at_most
from lockbox.errors import Invalid, invalid
from lockbox.faults import Expected, Fault
from lockbox.values.json_text import read_json
from portal_service.web.wording.display import pretty, without_nulls

SETTINGS = tuple(setting.name for setting in fields(PolicySettings))
SHOWN_BESIDE = frozenset({"version", "changed_at", "changed_by", "proposal"})
"""The fields that a policy shows beside its settings; a document that was read may be sent back with them."""


@dataclass(frozen=True, kw_only=True)
class EditedPolicy(PolicySettings):
    """A policy as people edit it: settings that are left out are the defaults, but these two have to be there."""

    require_approval: Flag = field()
    stages: tuple[StagePlan, ...] = field(metadata=at_most(MOST_STAGES, "stages"))


def document_of(settings: PolicySettings) -> str:
    """Return the text of a policy; below its first level, fields that are not set are left out."""
    document = wire.encode(settings, PolicySettings)
    return pretty({name: without_nulls(value) for name, value in document.items()}, sort=False)


def settings_in(document: str, tenant: str) -> PolicySettings:
    """Return the settings that a text holds; raises `Invalid` with every fault."""
    try:
        data = read_json(document)
    except (ValueError, RecursionError) as error:
        raise Invalid("malformed_json", f"the document is not JSON: {error}", params={"reason": str(error)}) from error
    if isinstance(data, Mapping):
        if data.get("tenant", tenant) != tenant:
            raise invalid("tenant", Expected("other_tenant", tenant=tenant), data["tenant"], "invalid_tenant")
        data = {name: value for name, value in data.items() if name not in SHOWN_BESIDE | {"tenant"}}
    return PolicySettings(**wire.decode(EditedPolicy, data).settings())


def faults_of_document(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults of a policy, without those of a request to try it with; their paths are in the document."""
    in_document = [Fault(**{**fault, "field": fault["field"].removeprefix("policy.")}) for fault in faults]
    return [fault for fault in in_document if fault["field"].split(".")[0] in SETTINGS]
