"""The limit of open files: each connection is one, and at the limit a process can neither accept nor connect."""

import errno
import resource

MOST = 65_536
"""More than this is not asked for: some programs go through every number that a file may have."""

RESERVED = 256
"""Files that are kept for others than clients: connections to the servers, logs, libraries."""

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""The errors of a process or a machine that has no more room for a connection: it has again when one is closed."""


def raise_limit(most: int = MOST) -> int:
    """Raise this process's soft limit as far as the hard one allows, to `most` at most; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return limit()


def limit() -> int:
    """Return the number of files that this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft


def room_for_clients() -> int:
    """Return the number of connections that leave enough files for everything else."""
    most = limit()
    return most - min(RESERVED, most // 2)
