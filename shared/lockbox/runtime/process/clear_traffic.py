"""Traffic in the clear: passwords and content that leave this machine without TLS are named in the log."""

from collections.abc import Iterable

import structlog

from lockbox.values.hosts import is_this_machine

log = structlog.get_logger(__name__)


def warn_of_clear_traffic(setting: str, hosts: Iterable[str]) -> None:
    """Log the hosts beyond this machine that a setting has reached without TLS."""
    exposed = [host for host in hosts if not is_this_machine(host)]
    if exposed:
        log.warning("traffic_in_the_clear", setting=setting, hosts=exposed)
