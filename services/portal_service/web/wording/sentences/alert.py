"""Sentences about alerts that notify_service sends."""

from lockbox.contracts.alert import AlertFailed, AlertSent
from portal_service.web.wording.line import Line, Sentences


def _sent(fact: AlertSent, _actor: str) -> Line:
    return Line(f"{fact.recipient} was told by {fact.channel}: {fact.alert.replace('_', ' ')}", tone="quiet")


def _failed(fact: AlertFailed, _actor: str) -> Line:
    alert = fact.alert.replace("_", " ")
    return Line(f"{fact.recipient} could not be told by {fact.channel}: {alert}. {fact.error}", tone="bad")


SENTENCES: Sentences = {
    AlertSent: _sent,
    AlertFailed: _failed,
}
