"""Every reason has words, a status and a problem document."""

import json
import re
from http import HTTPStatus

import pytest

from lockbox.guard.decision import Decision
from lockbox.guard.refusals import OF_THE_GUARD, OF_THE_REQUEST, REASONS, Refusal

STATUSES = {"no_grant": 401, "revocations_stale": 503, "clock_off": 503, "not_recorded": 503}


def test_reasons_when_put_beside_those_of_a_decision_are_the_same() -> None:
    of_a_decision = set(re.findall(r"`([a-z_]+)`", Decision.__doc__ or "")) - {"granted"}
    assert set(REASONS) - set(OF_THE_REQUEST) == of_a_decision


@pytest.mark.parametrize("reason", REASONS)
def test_refusal_when_answered_is_a_problem_document_that_nobody_keeps(reason: str) -> None:
    refusal, status = Refusal(reason), STATUSES.get(reason, 403)
    document = json.loads(refusal.body)
    assert refusal.status == document["status"] == status
    assert document["code"] == reason
    assert document["detail"] == REASONS[reason]
    assert document["title"] == refusal.status.phrase
    headers = dict(refusal.headers)
    assert headers["Content-Type"] == "application/problem+json"
    assert int(headers["Content-Length"]) == len(refusal.body)
    assert headers["Cache-Control"] == "no-store"
    assert headers["Lockbox-Reason"] == reason
    assert headers.get("WWW-Authenticate") == ('DPoP algs="EdDSA Ed25519 ES256"' if reason == "no_grant" else None)


@pytest.mark.parametrize("reason", OF_THE_GUARD)
def test_refusal_when_the_proxy_knows_no_503_has_the_other_status_in_the_document_too(reason: str) -> None:
    refusal = Refusal(reason, later=HTTPStatus.FORBIDDEN)
    assert refusal.status == json.loads(refusal.body)["status"] == 403
