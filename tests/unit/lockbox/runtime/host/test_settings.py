from dataclasses import dataclass
from typing import Any

import pytest
from nameko.exceptions import ConfigurationError

from lockbox.runtime.host.settings import read_settings


@dataclass(frozen=True)
class Settings:
    portal_url: str
    smtp_port: int
    smtp_starttls: bool = False
    password: str | None = None


GOOD = {"portal_url": "https://lockbox.example", "smtp_port": 25}


def complaint(config: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(Settings, config)
    return str(refused.value)


def test_read_settings_when_all_is_given_reads_it() -> None:
    given = GOOD | {"smtp_starttls": True, "password": "hunter2"}
    assert read_settings(Settings, {"lockbox": given, "AMQP_URI": "amqp://"}) == Settings(
        "https://lockbox.example", 25, True, "hunter2"
    )


def test_read_settings_when_something_may_be_left_out_or_null_takes_the_default() -> None:
    assert read_settings(Settings, {"lockbox": GOOD}) == Settings("https://lockbox.example", 25)
    nothing = {"password": None, "smtp_starttls": None}
    assert read_settings(Settings, {"lockbox": GOOD | nothing}) == Settings("https://lockbox.example", 25)


@pytest.mark.parametrize("config", [{}, {"lockbox": None}, {"lockbox": {}}])
def test_read_settings_when_nothing_is_given_names_every_missing_key(config: dict[str, Any]) -> None:
    said = complaint(config)
    assert said == "config.yml: lockbox.portal_url: expected a value; lockbox.smtp_port: expected a value"


def test_read_settings_when_several_keys_are_bad_names_each() -> None:
    said = complaint({"lockbox": {"portal_url": 7, "smtp_port": "many", "colour": "red"}})
    for part in (
        "lockbox.portal_url: expected a string",
        "lockbox.smtp_port: expected a whole number",
        "lockbox.colour: expected no field of this name",
    ):
        assert part in said


def test_read_settings_when_a_required_key_is_null_counts_it_as_missing() -> None:
    assert "lockbox.portal_url: expected a value" in complaint({"lockbox": GOOD | {"portal_url": None}})


@pytest.mark.parametrize(
    "bad",
    [
        {"password": ["hunter2"]},
        {"passwort": "hunter2"},
        {"portal_url": ["hunter2"]},
        {"smtp_port": "hunter2"},
        {"smtp_starttls": "hunter2"},
    ],
)
def test_read_settings_when_a_value_is_bad_does_not_repeat_it(bad: dict[str, Any]) -> None:
    assert "hunter2" not in complaint({"lockbox": GOOD | bad})


def test_read_settings_when_there_are_none_reads_nothing() -> None:
    @dataclass(frozen=True)
    class Nothing:
        pass

    assert read_settings(Nothing, {"lockbox": None}) == Nothing()
