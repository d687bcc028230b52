"""Sending as notify_service does it, run by the tests as a process of its own.

`mail_process <MongoDB> <database> <port>` sends what is due until it is killed.
"""

import sys

import eventlet

eventlet.monkey_patch()

from types import SimpleNamespace  # noqa: E402
from typing import Any, cast  # noqa: E402

from lockbox.clock import SystemClock  # noqa: E402
from lockbox.runtime.storage.mongo import connect  # noqa: E402
from notify_service import sending, smtp  # noqa: E402
from notify_service.domain.places import Places  # noqa: E402
from notify_service.store import DeliveryStore  # noqa: E402

smtp.HAND_OVER_SECONDS = 8.0


def main() -> None:
    """Send for ever."""
    uri, name, port = sys.argv[1:]
    settings = {"portal_url": "https://lockbox.example", "mail_from": "lockbox@vendor.example"}
    mailer = smtp.SmtpMailer({"lockbox": {**settings, "smtp_host": "127.0.0.1", "smtp_port": int(port)}})
    pool = eventlet.GreenPool()
    store = DeliveryStore(connect(uri, "tests")[name], cast(Any, SimpleNamespace(offer=lambda waiting: None)))
    desk = sending.Desk(store, mailer, Places(), SystemClock(), pool.spawn_n)
    while True:
        sending.send_due(desk)
        eventlet.sleep(0.2)


if __name__ == "__main__":
    main()
