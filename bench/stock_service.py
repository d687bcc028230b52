"""The reference of Lockbox's command: stock Nameko with one majority write and one event."""

import os
from typing import Any
from uuid import uuid4  # noqa: TID251 - stock, without Lockbox's code

from nameko.events import EventDispatcher
from nameko.rpc import rpc
from pymongo import MongoClient

collection = MongoClient[dict[str, Any]](os.environ["MONGO_URI"], w="majority", journal=True)["bench"]["requests"]


class StockService:
    """A service that stores requests without identity, validation and outbox."""

    name = "stock_service"

    dispatch = EventDispatcher()

    @rpc
    def create_request(self, message: dict[str, Any]) -> dict[str, Any]:
        """Insert one document, emit one event, return the document."""
        request_id = str(uuid4())
        collection.insert_one({"_id": request_id, **message["terms"]})
        self.dispatch("request_created", {"request_id": request_id, **message["terms"]})
        return {"id": request_id, **message["terms"]}
