"""The reference of the audit intake: a stock Nameko event handler that inserts one document for each event."""

import os
from typing import Any

from nameko.events import event_handler
from pymongo import MongoClient

collection = MongoClient[dict[str, Any]](os.environ["MONGO_URI"], w="majority", journal=True)["bench"]["records"]


class StockAudit:
    """A service that stores every event unread."""

    name = "stock_audit"

    @event_handler("approval_service", "#")
    def on_event(self, event: dict[str, Any]) -> None:
        """Insert one document."""
        collection.insert_one({"_id": event.pop("id"), **event})
