"""What the way of a decision is measured against: stock Nameko, which keeps what `stock_service` tells of."""

import os
from typing import Any

from nameko.events import event_handler
from pymongo import MongoClient

collection = MongoClient[dict[str, Any]](os.environ["MONGO_URI"], w="majority", journal=True)["bench"]["followed"]


class StockFollower:
    """Keeps every event, without a look at it."""

    name = "stock_follower"

    @event_handler("stock_service", "request_created")
    def on_event(self, event: dict[str, Any]) -> None:
        """Write one document."""
        collection.insert_one({"_id": event["request_id"], **event})
