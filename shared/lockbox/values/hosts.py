"""Hosts of addresses: this machine, or another one."""

from ipaddress import ip_address


def is_this_machine(host: str | None) -> bool:
    """Return whether a host is this machine: localhost, or an address of the loopback interface."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
