"""Sentences about members, their sign-ins and their API tokens."""

from lockbox.contracts.identity import ALL_TENANTS
from lockbox.contracts.member import (
    ApiTokenChanged,
    ApiTokenCreated,
    MemberAdded,
    MemberChanged,
    MemberRemoved,
    SignedIn,
    SignInFailed,
)
from portal_service.web.wording.event_values import roles
from portal_service.web.wording.line import Line, Sentences


def _added(fact: MemberAdded, _actor: str) -> Line:
    return Line(f"{fact.email} was added as a member: {roles(fact.roles)}")


def _changed(fact: MemberChanged, _actor: str) -> Line:
    return Line(f"The roles of {fact.email} are now: {roles(fact.roles)}")


def _removed(fact: MemberRemoved, _actor: str) -> Line:
    return Line(f"{fact.email} is no longer a member")


def _signed_in(fact: SignedIn, _actor: str) -> Line:
    return Line(f"{fact.email} signed in{_from(fact.source_address)}", tone="quiet")


def _sign_in_failed(fact: SignInFailed, _actor: str) -> Line:
    source = _from(fact.source_address)
    return Line(f"A sign-in with the address {fact.email} failed{source}: wrong password", tone="bad")


def _from(source_address: str | None) -> str:
    return f" from {source_address}" if source_address else ""


def _api_token_created(fact: ApiTokenCreated, _actor: str) -> Line:
    return Line(f"An API token was created for {fact.email}{_for_tenants(fact.tenants)}")


def _api_token_changed(fact: ApiTokenChanged, _actor: str) -> Line:
    return Line(f"The API token of {fact.email} is now{_for_tenants(fact.tenants)}")


def _for_tenants(tenants: tuple[str, ...]) -> str:
    if ALL_TENANTS in tenants:
        return " for all tenants"
    return f" for {', '.join(tenants)}" if tenants else ""


SENTENCES: Sentences = {
    MemberAdded: _added,
    MemberChanged: _changed,
    MemberRemoved: _removed,
    SignedIn: _signed_in,
    SignInFailed: _sign_in_failed,
    ApiTokenChanged: _api_token_changed,
    ApiTokenCreated: _api_token_created,
}
