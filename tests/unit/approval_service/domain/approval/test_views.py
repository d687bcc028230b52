"""The views of an approval: what is open, the same for all, and what each reader may do."""

from datetime import timedelta

from tests.unit.builders import ALICE, ENGINEER, NOW, VENDOR_APPROVER, approval, decide, digest_of, extend, granted

from approval_service.domain.approval import views
from lockbox.contracts import wire
from lockbox.contracts.approval.views import ApprovalReading, ApprovalView, NextStage
from lockbox.contracts.grant.views import GrantReading, GrantView
from lockbox.contracts.policy.document import Side

HOUR = timedelta(hours=1)


def test_open_when_the_request_waits_names_stage_digest_terms_and_end() -> None:
    one = approval()
    decision = views.as_view(one).open
    assert decision is not None
    assert (decision.extension, decision.stage, decision.name, decision.side) == (None, 1, "Vendor", Side.VENDOR)
    assert (decision.digest, decision.terms, decision.ends_at) == (
        digest_of(one),
        one.deliberation.terms,
        one.expires_at,
    )
    assert decision.next == NextStage(stage=2, name="Customer", side=Side.CUSTOMER)


def test_open_when_the_last_stage_is_open_has_nothing_next() -> None:
    decision = views.as_view(decide(approval(), VENDOR_APPROVER).state).open
    assert decision is not None
    assert (decision.stage, decision.next) == (2, None)


def test_open_when_an_extension_waits_is_about_it_until_the_access_ends() -> None:
    one = extend(granted(), ENGINEER, HOUR).state
    decision = views.as_view(one).open
    assert decision is not None
    assert (decision.extension, decision.stage, decision.digest) == (1, 1, digest_of(one))
    assert (decision.terms.duration, decision.ends_at) == (HOUR, one.granted().ends_at)


def test_open_when_nothing_waits_is_null() -> None:
    assert views.as_view(granted()).open is None
    assert views.as_view(decide(approval(), VENDOR_APPROVER, "deny").state).open is None


def test_reading_when_sent_and_read_again_is_the_same() -> None:
    for one in (approval(), granted(), extend(granted(), ENGINEER, HOUR).state):
        reading = views.as_reading(one, ALICE, NOW)
        assert wire.decode(ApprovalReading, wire.encode(reading)) == reading
        assert wire.decode(ApprovalView, wire.encode(views.as_view(one))) == views.as_view(one)


def test_grant_reading_when_sent_names_what_its_reader_may_do() -> None:
    reading = views.as_grant_reading(granted(), ENGINEER, NOW)
    assert wire.decode(GrantReading, wire.encode(reading)) == reading
    assert {name for name in reading.you.may if reading.you.allows(name)} == {
        "complete_grant",
        "request_extension",
        "get_grant_token",
    }
    assert wire.encode(reading)["you"]["may"]["revoke_grant"]["code"] == "role_required"


def test_grant_view_when_stored_with_an_answer_names_no_reader() -> None:
    view = views.as_view(granted()).grant
    assert type(view) is GrantView
    assert "you" not in wire.encode(view)
