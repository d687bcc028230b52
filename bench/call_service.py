"""A service on Lockbox's runtime that does nothing: one call takes its own token alone, the other any token."""

from dataclasses import dataclass

from lockbox.contracts.calls import NO_ROUTE, PUBLIC, Call
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.terms import TermsAsked
from lockbox.runtime.rpc.caller_token import CallScope
from lockbox.runtime.rpc.server import Command, command

NAME = "call_service"
ANY_CALL = CallScope(NAME, "any", "", "")
"""The scope of a token that names no method, message and reply address: it could be used again and again."""


@dataclass(frozen=True, kw_only=True)
class OwnToken(Call[TermsAsked], service=NAME, rest=NO_ROUTE, roles=PUBLIC):
    """Return the terms, for a token of this call."""

    terms: TermsAsked


@dataclass(frozen=True, kw_only=True)
class AnyToken(Call[TermsAsked], service=NAME, rest=NO_ROUTE, roles=PUBLIC):
    """Return the terms, for a token of any call."""

    terms: TermsAsked


class AnyTokenCommand(Command):
    """Checks signature, audience and time of a token, and nothing that binds it to the call."""

    def arguments(self, token: object, scope: CallScope, payload: object) -> tuple[Caller, Call[TermsAsked]]:
        """Return the verified caller and the message."""
        return super().arguments(token, ANY_CALL, payload)


class CallService:
    """Answers with the terms that came."""

    name = NAME

    @command(OwnToken)
    def own_token(self, caller: Caller, message: OwnToken) -> TermsAsked:
        """Return the terms."""
        return message.terms

    @AnyTokenCommand.decorator(AnyToken)
    def any_token(self, caller: Caller, message: AnyToken) -> TermsAsked:
        """Return the terms."""
        return message.terms
