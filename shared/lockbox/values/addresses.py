"""Addresses of clients: the source of a web request behind trusted proxies, and the network that it stands for."""

from ipaddress import IPv6Address, ip_address, ip_network


def source_address(peer: str | None, forwarded_for: str, trusted_proxies: int) -> str | None:
    """Return the address of the client, or None if there is none that can be read.

    Each trusted proxy adds the address of its client at the end of `X-Forwarded-For`; what stands before those is
    anyone's claim and not read.
    """
    if trusted_proxies == 0:
        return _address(peer)
    claimed = [part.strip() for part in forwarded_for.split(",")]
    return _address(claimed[-trusted_proxies]) if len(claimed) >= trusted_proxies else _address(peer)


def network_of(source: str | None) -> str:
    """Return the network that a source address stands for: of IPv6 the first 64 bits, which one subscriber has."""
    if source is None:
        return "unknown"
    address = ip_address(source)
    return str(ip_network(f"{address}/64", strict=False)) if isinstance(address, IPv6Address) else str(address)


def _address(text: str | None) -> str | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
