import pytest

from lockbox.values.time_zones import is_time_zone


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"])
def test_time_zone_when_it_is_the_same_on_every_machine_is_one(name: str) -> None:
    assert is_time_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        "localtime",
        "posixrules",
        "Factory",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
        "europe/berlin",
        "Europe",
        "Mars/Phobos",
        "zone.tab",
        "leapseconds",
        "",
    ],
)
def test_time_zone_when_it_is_a_setting_of_a_machine_or_none_at_all_is_none(name: str) -> None:
    assert not is_time_zone(name)
