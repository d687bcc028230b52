"""The reference of a decision's delay: a stock Nameko service that stores the events of `stock_service`."""

import os
from typing import Any

from nameko.events import event_handler
from pymongo import MongoClient

collection = MongoClient[dict[str, Any]](os.environ["MONGO_URI"], w="majority", journal=True)["bench"]["followed"]


class StockFollower:
    """A service that stores every event unread."""

    name = "stock_follower"

    @event_handler("stock_service", "request_created")
    def on_event(self, event: dict[str, Any]) -> None:
        """Insert one document."""
        collection.insert_one({"_id": event["request_id"], **event})
