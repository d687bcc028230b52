"""Documents that change in one write together with the events that tell of the change.

A document is `{_id, version, sequence, state, outbox, outbox_at, cmds}`: `state` is the aggregate in its wire form,
`sequence` the number of its last event, `cmds` its last commands by idempotency key, with compressed answers.

A document stays far below the 16 MB of MongoDB, so that an access can always be ended: a command that would make it
larger than `LARGEST` is refused, unless it ends something.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar, cast

import bson
from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.contracts.events import Changed, envelop
from lockbox.errors import Conflict, NotFound
from lockbox.runtime.process import crash_points, metrics
from lockbox.runtime.storage.answers import COMMANDS_KEPT, answer_in, compressed, with_answers_that_fit
from lockbox.runtime.storage.mongo import Document, duplicates_in, ensure_index
from lockbox.runtime.storage.outbox import HEAD_START, Entry, ensure_outbox_index, entries, stored

ATTEMPTS = 20
LONGEST_PAUSE_SECONDS = 0.1
LARGEST = 8 * 1024 * 1024

A = TypeVar("A")
V = TypeVar("V")


class EventRelay(Protocol):
    """A relay, which publishes events soon after they were written."""

    def offer(self, waiting: list[Entry]) -> None: ...  # noqa: D102


class Aggregates(Generic[A, V]):
    """A collection of aggregates of kind `A`, each answered for as a view `V`."""

    name: ClassVar[str]
    noun: ClassVar[str]
    endings: ClassVar[frozenset[str]] = frozenset()
    """The types of facts that end something: a write with one of them is never refused for the document's size."""

    def __init__(self, database: Database[Document], relay: EventRelay, kind: type[A], view: type[V]) -> None:
        self.collection = database[self.name]
        self.relay = relay
        self._kind = kind
        self._view = view

    def ensure_indexes(self) -> None:
        """Ensure that the indexes exist."""
        ensure_outbox_index(self.collection)
        ensure_index(
            self.collection,
            [("cmds.key", ASCENDING)],
            unique=True,
            partialFilterExpression={"cmds.key": {"$exists": True}},
            name="idempotency",
        )

    def view(self, document: Document, state: A) -> V:
        """Return the view of a document and of the aggregate in it: the aggregate itself, unless a store overrides."""
        return cast(V, wire.keep(state, document["state"], self._kind))

    def state(self, document: Document) -> A:
        """Return the aggregate in a document."""
        return wire.read(self._kind, document["state"])

    def view_of(self, document: Document) -> V:
        """Return the view of a document that was read."""
        return self.view(document, self.state(document))

    def find(self, key: str) -> A | None:
        """Return the aggregate of this id, or None."""
        document = self.collection.find_one({"_id": key})
        return None if document is None else self.state(document)

    def get(self, key: str) -> Document:
        """Return the document of this id; raise `NotFound`."""
        document = self.collection.find_one({"_id": key})
        if document is None:
            raise NotFound(f"{self.noun}_not_found", f"there is no such {self.noun}")
        return document

    def answered(self, act: Act) -> V | None:
        """Return the answer to a command that was carried out before, or None; raise `Conflict` for another body."""
        document = None if act.key is None else self.collection.find_one({"cmds.key": act.key})
        return None if document is None else self._answer_in(document, act)

    def create(self, key: str, changed: Changed[A], act: Act) -> V:
        """Write a new document and its events.

        The same command again gives the same answer; an id that is there already, because an event was delivered
        twice, gives what is there.
        """
        waiting = self._wrap(key, changed, 0, act)
        document = self._document(key, changed.state, waiting, act)
        answer = self.view(document, changed.state)
        if act.key is not None:
            document["cmds"] = [self._remember(act, answer)]
        crash_points.passing("before_state_write")
        try:
            self.collection.insert_one(document)
        except DuplicateKeyError:
            return self.answered(act) or self.view_of(self.get(key))
        crash_points.passing("after_state_write")
        self.relay.offer(waiting)
        return answer

    def create_many(self, changed: Mapping[str, Changed[A]], act: Act) -> None:
        """Write several new documents, each with its events; documents that are there already stay as they are."""
        waiting = {key: self._wrap(key, one, 0, act) for key, one in changed.items()}
        documents = [self._document(key, one.state, waiting[key], act) for key, one in changed.items()]
        crash_points.passing("before_state_write")
        there: set[str] = set()
        try:
            if documents:
                self.collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            there.update(duplicates_in(error))
        crash_points.passing("after_state_write")
        self.relay.offer([entry for key, entries in waiting.items() if key not in there for entry in entries])

    def change(self, key: str, act: Act, step: Callable[[A], Changed[A]]) -> V:
        """Apply a step of the domain, in one write with its events.

        If another writer was faster, the step is applied again, to the newest state. A step without facts changes
        nothing. The same command again gives the same answer.
        """
        for attempt in range(ATTEMPTS):
            _pause(attempt)
            document = self.get(key)
            answered = self._answer_in(document, act)
            if answered is not None:
                return answered
            changed = step(self.state(document))
            if not changed.facts:
                return self.view_of(document)
            answer = self._save(document, changed, act)
            if answer is not None:
                return answer
        raise Conflict("busy", f"this {self.noun} is being changed by many at once; try again")

    def first_fields(self, state: A, act: Act, waiting: Sequence[Entry]) -> Document:
        """Return the fields of a new document beside its state and its first events."""
        return {}

    def _document(self, key: str, state: A, waiting: list[Entry], act: Act) -> Document:
        return {
            "_id": key,
            "version": 1,
            "sequence": len(waiting),
            "state": wire.encode(state),
            "outbox": stored(waiting),
            **({"outbox_at": act.now + HEAD_START} if waiting else {}),
            **self.first_fields(state, act, waiting),
        }

    def _save(self, document: Document, changed: Changed[A], act: Act) -> V | None:
        waiting = self._wrap(document["_id"], changed, document["sequence"], act)
        state = wire.encode(changed.state)
        answer = self.view(document | {"state": state}, changed.state)
        push: Document = {"outbox": {"$each": stored(waiting)}}
        after = document | {"state": state, "outbox": [*document.get("outbox", ()), *stored(waiting)]}
        new = [] if act.key is None else [self._remember(act, answer)]
        kept = self._within_limits(after, new, changed, act)
        if new and kept is None:
            push["cmds"] = {"$each": new, "$slice": -COMMANDS_KEPT}
        update = {
            "$set": {"state": state} if kept is None else {"state": state, "cmds": kept},
            "$inc": {"version": 1, "sequence": len(waiting)},
            "$push": push,
            "$min": {"outbox_at": act.now + HEAD_START},
        }
        unchanged = {"_id": document["_id"], "version": document["version"]}
        crash_points.passing("before_state_write")
        try:
            written = self.collection.update_one(unchanged, update)
        except DuplicateKeyError as error:
            raise _key_reused() from error
        if not written.modified_count:
            return None
        crash_points.passing("after_state_write")
        self.relay.offer(waiting)
        return answer

    def _wrap(self, key: str, changed: Changed[A], after: int, act: Act) -> list[Entry]:
        events = envelop(changed.facts, f"{self.name}/{key}", after, act.cause, act.now)
        return entries(self.name, key, events)

    def _remember(self, act: Act, answer: V) -> Document:
        """Return the record of an answer; the answer carries the same document on its way to the caller."""
        document = wire.document_of(answer, self._view)
        wire.keep(answer, document, self._view)
        return {"key": act.key, "digest": act.digest, "result": compressed(document)}

    def _within_limits(
        self, after: Document, new: list[Document], changed: Changed[A], act: Act
    ) -> list[Document] | None:
        """Return the commands to keep, or None if they are those there and the new one; raise `Conflict` if too large.

        A write that ends something drops the answers to earlier commands if the document is too large with them.
        """
        commands = [*after.get("cmds", ()), *new]
        kept = with_answers_that_fit(commands[-COMMANDS_KEPT:])
        size = len(bson.encode(after | {"cmds": kept}))
        if size > LARGEST:
            ends = any(fact.type in self.endings for fact in changed.facts)
            if act.key is not None and not ends:
                raise Conflict("too_large_to_change", f"this {self.noun} has grown too large; it can still be ended")
            kept = new
        metrics.DOCUMENT_SIZE.labels(self.name).observe(size)
        return None if kept == commands[-COMMANDS_KEPT:] else kept

    def _answer_in(self, document: Document, act: Act) -> V | None:
        for command in document.get("cmds", ()):
            if command["key"] == act.key:
                if command["digest"] != act.digest:
                    raise _key_reused()
                return self._kept_answer(command) or self.view_of(document)
        return None

    def _kept_answer(self, command: Document) -> V | None:
        """Return the answer to a command as it was given, if it is kept."""
        document = answer_in(command)
        return wire.keep(wire.read(self._view, document), document) if document else None


def _pause(losses: int) -> None:
    """Wait a random time, longer after each lost race: the winner's write is seen once the majority has it."""
    if losses:
        time.sleep(random.uniform(0, min(0.005 * 2**losses, LONGEST_PAUSE_SECONDS)))  # noqa: S311 - no secret


def _key_reused() -> Conflict:
    return Conflict("idempotency_key_reused", "this Idempotency-Key was used for another request body")
