"""The source address is the one that trusted proxies vouch for."""

import pytest

from lockbox.values.addresses import source_address

PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("", 0, PEER),
        ("203.0.113.9", 0, PEER),
        ("203.0.113.9", 1, "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", 1, "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"),
        ("203.0.113.9", 2, PEER),
        ("", 1, None),
        ("nonsense", 1, None),
        ("::ffff:203.0.113.9", 1, "203.0.113.9"),
        ("2001:DB8::1", 1, "2001:db8::1"),
    ],
)
def test_source_address_when_proxies_are_trusted_is_what_they_add(
    forwarded: str, proxies: int, address: str | None
) -> None:
    assert source_address(PEER, forwarded, proxies) == address


@pytest.mark.parametrize("peer", [None, "", "unix:"])
def test_source_address_when_the_peer_has_none_is_none(peer: str | None) -> None:
    assert source_address(peer, "", 0) is None
