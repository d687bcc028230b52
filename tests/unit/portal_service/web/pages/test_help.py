"""The guides for approvers and auditors."""

import pytest
from scripts import help_pages
from tests.unit.builders import ALICE
from tests.unit.portal_service.web.conftest import OpenAs

from lockbox.contracts.identity import Caller


@pytest.mark.parametrize("guide", help_pages.GUIDES)
def test_guide_says_what_its_document_says(guide: str) -> None:
    document = (help_pages.ROOT / "docs" / f"{guide}.md").read_text()
    template = (help_pages.TEMPLATES / f"{guide}.html").read_text()
    assert template == help_pages.template(document), "run: python -m scripts.help_pages"


@pytest.mark.parametrize("guide", help_pages.GUIDES)
def test_guide_is_read_without_signing_in(open_as: OpenAs, guide: str) -> None:
    page = open_as(None).get(f"/help/{guide}")
    assert f"For {guide}" in page.text
    assert "Sign out" not in page.buttons
    assert "Sign out" in open_as(ALICE).get(f"/help/{guide}").buttons


def test_guide_that_does_not_exist_is_not_found(open_as: OpenAs) -> None:
    open_as(None).get("/help/nobody", 404)


@pytest.mark.parametrize(("person", "path"), [(None, "/sign-in"), (None, "/help/auditors"), (ALICE, "/queue")])
def test_footer_leads_to_the_guides_and_to_the_api(open_as: OpenAs, person: Caller | None, path: str) -> None:
    links = open_as(person).get(path).links
    assert links["For approvers"] == "/help/approvers"
    assert links["For auditors"] == "/help/auditors"
    assert links["API"] == "/docs"
