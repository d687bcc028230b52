"""What is filled in is what was matched, and two ways of filling in never make one text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockbox.guard.templates import Template

TEMPLATES = ["/{a}/{b...}", "/files/{a...}/content", "/{a}/x/{b}", "{a...}", "files/{a}", "/files/{a...}/{b}/"]
SEGMENT = st.sampled_from(["a", "b", "x", "content", "files", "a/b", "", ".", "{a}"])


@pytest.mark.parametrize(
    ("template", "text", "names"),
    [
        ("/documents/{tenant}/{resource...}", "/documents/contoso/a/b", {"tenant": "contoso", "resource": "a/b"}),
        ("/documents/{tenant}/{resource...}", "/documents/contoso/a", {"tenant": "contoso", "resource": "a"}),
        ("/documents/{tenant}/{resource...}", "/documents/contoso", None),
        ("/documents/{tenant}/{resource...}", "/documents/contoso/", None),
        ("/documents/{tenant}/{resource...}", "/Documents/contoso/a", None),
        ("/documents/{tenant}/{resource...}", "/x/documents/contoso/a", None),
        ("/documents/{tenant}/", "/documents/contoso/", {"tenant": "contoso"}),
        ("/documents/{tenant}/", "/documents/contoso", None),
        ("/a.b/{c}", "/axb/c", None),
        ("/", "/", {}),
        ("/files/{path...}/content", "/files/content/content", {"path": "content"}),
        ("/files/{path...}/content", "/files/a/b/content", {"path": "a/b"}),
        ("/files/{path...}/content", "/files/content", None),
        ("/x/{a}", "/x/a\n", {"a": "a\n"}),
        ("/x", "/x\n", None),
    ],
)
def test_match_when_asked_says_what_the_variables_stand_for(template: str, text: str, names: object) -> None:
    assert Template(template).match(text) == names


@given(st.data(), st.sampled_from(TEMPLATES))
def test_fill_when_given_what_was_matched_gives_the_text_again(data: st.DataObject, template: str) -> None:
    text = data.draw(st.from_regex(Template(template).pattern, fullmatch=True))
    names = Template(template).match(text)
    assert names is not None
    assert Template(template).fill(names) == text


@given(st.sampled_from(TEMPLATES), st.fixed_dictionaries({"a": SEGMENT, "b": SEGMENT}))
def test_fill_when_given_anything_makes_what_it_would_match_or_refuses(template: str, names: dict[str, str]) -> None:
    variables = re.findall(r"\{(\w)", template)
    try:
        text = Template(template).fill(names)
    except ValueError:
        return
    assert Template(template).match(text) == {name: names[name] for name in variables}


@pytest.mark.parametrize("value", ["a/b", "/a", "a/", "", "/"])
def test_fill_when_a_segment_would_be_several_refuses(value: str) -> None:
    with pytest.raises(ValueError, match="can't be filled"):
        Template("mailbox/{name}").fill({"name": value})
