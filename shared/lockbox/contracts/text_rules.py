"""Rules of text for people: its length, and characters that a reader sees as they are."""

from collections.abc import Mapping
from typing import Any

from lockbox.contracts import plain_text
from lockbox.contracts.rules import of_input, violation


class Prose:
    """The rule of text that people read: its length, and no characters that could disguise it."""

    def __init__(self, shortest: int, longest: int) -> None:
        self.shortest, self.longest = shortest, longest

    def __call__(self, text: str) -> None:
        """Raise ValidationError for a text that breaks the rule."""
        if not self.shortest <= len(text.strip()) <= self.longest or len(text) > self.longest:
            raise violation("wrong_length", least=self.shortest, most=self.longest)
        if plain_text.disguises(text):
            raise violation("control_characters")

    @property
    def json_schema(self) -> Mapping[str, Any]:
        """The rule as JSON Schema; characters that show nothing are not said."""
        return {"minLength": self.shortest, "maxLength": self.longest}


@of_input
def visible(text: str) -> None:
    """Raise the violation of text in which a reader sees nothing; that of blanks alone is its length."""
    if text.strip() and not plain_text.shows(text):
        raise violation("nothing_visible")


@of_input
def open_text(text: str) -> None:
    """Raise the violation of text that holds other text, hidden."""
    if plain_text.hides(text):
        raise violation("hidden_characters")


@of_input
def one_reading(text: str) -> None:
    """Raise the violation of a name that can look like another one."""
    if not plain_text.is_name(text):
        raise violation("not_a_plain_name")


@of_input
def one_address(text: str) -> None:
    """Raise the violation of an address that can look like another one."""
    if "@" in text and not plain_text.is_address(text):
        raise violation("not_an_email")
