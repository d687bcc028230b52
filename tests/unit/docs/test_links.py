"""All pages: each link leads to a file and a heading, and each page of docs/ is in the table of contents."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:|/|mailto:)([^)#\s]*)(?:#([\w-]+))?\)")


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().replace(" ", "-").lower() for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_when_followed_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        assert not anchor or anchor in headings(path), f"{target}#{anchor}"


def test_table_of_contents_when_read_names_every_page() -> None:
    contents = (ROOT / "docs" / "README.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - {target for target, _ in LINK.findall(contents)} == set()


def test_decisions_when_counted_are_all_in_their_list() -> None:
    folder = ROOT / "docs" / "adr"
    decisions = {page.name for page in folder.glob("0*.md")}
    assert {target for target, _ in LINK.findall((folder / "README.md").read_text())} == decisions
