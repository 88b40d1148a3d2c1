"""The conversation: an ordered list of items, and what may be done to them."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from voice.standin.audio import BYTES_PER_MS
from voice.standin.client_events import Event
from voice.standin.ids import Ids
from voice.standin.schema import ClientError, invalid_value

ROOT: Final = "root"


@dataclass(slots=True, eq=False)
class Item:
    """
    One item; `wire` is its JSON without the audio bytes.

    `audio` is in `audio_format`; of an assistant's item it grows as it is streamed, and is cut by truncation.
    """

    wire: Event
    audio: bytearray = field(default_factory=bytearray)
    audio_format: str = "audio/pcmu"

    @property
    def id(self) -> str:
        return str(self.wire["id"])

    @property
    def audio_ms(self) -> int:
        """Milliseconds of audio that were streamed (assistant) or appended (user), less what was truncated."""
        return len(self.audio) // BYTES_PER_MS[self.audio_format]

    def copy(self) -> Event:
        """Return the JSON to send: later changes must not alter events that wait to be written."""
        wire = dict(self.wire)
        if "content" in wire:
            wire["content"] = [dict(part) for part in wire["content"]]
        return wire


class Conversation:
    """The items in order. Every method that refuses raises `ClientError` and changes nothing."""

    def __init__(self, ids: Ids) -> None:
        self.id = ids.new("conv")
        self._ids = ids
        self._items: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(tuple(self._items))

    def last_id(self) -> str | None:
        """Return the id of the last item, or none."""
        return self._items[-1].id if self._items else None

    def previous_id(self, item: Item) -> str | None:
        """Return the id of the item before this one, or none if it is the first."""
        index = self._items.index(item)
        return self._items[index - 1].id if index else None

    def append(self, item: Item) -> None:
        """Add an item of the server's own at the end."""
        self._items.append(item)

    def create(self, wire: Mapping[str, Any], previous_item_id: str | None) -> Item:
        """
        Add a client's checked item: at the end, after `previous_item_id`, or at the start (`root`).

        Raises:
            ClientError: a duplicate id, an unknown predecessor, an output to an unknown call, bad audio.
        """
        index = len(self._items)
        if previous_item_id == ROOT:
            index = 0
        elif previous_item_id is not None:
            before = self._find(previous_item_id)
            if before is None:
                raise invalid_value(
                    "previous_item_id",
                    f"Previous item with item_id '{previous_item_id}' does not exist.",
                )
            index = self._items.index(before) + 1
        if "id" in wire and self._find(wire["id"]) is not None:
            raise ClientError(
                "item_create_duplicate_item_id",
                f"Error adding item: an item with id '{wire['id']}' already exists.",
                "item.id",
            )
        if wire["type"] == "function_call_output" and not self._has_call(wire["call_id"]):
            raise ClientError(
                "item_create_invalid_call_id",
                f"No function call with call_id '{wire['call_id']}' exists in the conversation.",
                "item.call_id",
            )
        item = self._from_wire(wire)
        self._items.insert(index, item)
        return item

    def truncate(self, item_id: str, audio_end_ms: int) -> Item:
        """
        Cut an assistant's audio at `audio_end_ms`, and drop its transcript, which cannot be cut.

        Raises:
            ClientError: an unknown item, no assistant audio, or less audio than that.
        """
        item = self._require(item_id, "truncate")
        if item.wire.get("role") != "assistant" or not item.audio:
            raise ClientError(
                "unsupported_content_type",
                "Only model output audio messages can be truncated",
                "item_id",
            )
        if audio_end_ms > item.audio_ms:
            raise invalid_value(
                "audio_end_ms",
                f"Audio content of {item.audio_ms}ms is already shorter than {audio_end_ms}ms",
            )
        del item.audio[audio_end_ms * BYTES_PER_MS[item.audio_format] :]
        for part in item.wire["content"]:
            part["transcript"] = None
        return item

    def delete(self, item_id: str) -> Item:
        """Remove an item; raises `ClientError` if there is none of that id."""
        item = self._require(item_id, "delete")
        self._items.remove(item)
        return item

    def retrieve(self, item_id: str) -> Event:
        """Return an item's JSON with its audio in base64; raises `ClientError` if there is none of that id."""
        item = self._require(item_id, "retrieve")
        wire = item.copy()
        for part in wire.get("content", ()):
            if part["type"] in {"input_audio", "output_audio"}:
                part["audio"] = base64.b64encode(item.audio).decode()
        return wire

    def _find(self, item_id: str) -> Item | None:
        return next((item for item in self._items if item.id == item_id), None)

    def _require(self, item_id: str, action: str) -> Item:
        item = self._find(item_id)
        if item is None:
            raise ClientError(
                f"item_{action}_invalid_item_id",
                f"Item {action} failed: item with item_id '{item_id}' does not exist.",
                "item_id",
            )
        return item

    def _has_call(self, call_id: str) -> bool:
        return any(
            item.wire["type"] == "function_call" and item.wire["call_id"] == call_id
            for item in self._items
        )

    def _from_wire(self, wire: Mapping[str, Any]) -> Item:
        created: Event = {"id": self._ids.new("item"), "status": "completed", **wire}
        created.pop("object", None)
        if created["type"] == "function_call":
            created.setdefault("call_id", self._ids.call())
        item = Item(created)
        if created["type"] == "message":
            created["content"] = [self._part(part, item) for part in created["content"]]
        return item

    @staticmethod
    def _part(part: Mapping[str, Any], item: Item) -> Event:
        if part["type"] != "input_audio":
            return dict(part)
        item.audio += decode_audio(part["audio"], "item.content[0].audio")
        return {"type": "input_audio", "transcript": part.get("transcript")}


def decode_audio(encoded: str, path: str) -> bytes:
    """Return base64-decoded audio; raises `ClientError` if it is not base64."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_value(
            path, f"Invalid '{path}'. Expected base64-encoded audio bytes."
        ) from error
