"""The simulated stream: one queue of audio and marks, played in real time, and strict about what it is sent."""

import base64
import json
from typing import Any

import pytest

from voice.standin.earpiece import Earpiece
from voice.standin.media_stream import INVALID, UNDECODABLE, TwilioStream

SECOND = b"\x10" * 8000


def make_stream() -> TwilioStream:
    return TwilioStream(
        stream_sid="MZ1", call_sid="CA1", account_sid="AC1", parameters={"token": "t"}
    )


def message(event: str, **body: Any) -> str:
    return json.dumps({"event": event, "streamSid": "MZ1", **body})


def media(audio: bytes) -> str:
    return message("media", media={"payload": base64.b64encode(audio).decode()})


def names(texts: list[str]) -> list[str]:
    return [json.loads(text)["mark"]["name"] for text in texts]


class TestEarpiece:
    def test_plays_eight_bytes_a_millisecond_from_the_moment_they_come(self) -> None:
        ear = Earpiece()

        ear.media(SECOND, 500)
        ear.advance(750)

        assert len(ear.sounds[0].audio) == 2000
        assert ear.sounds[0].started_ms == 500
        ear.advance(2000)
        assert ear.quiet_since_ms() == 1500

    def test_returns_a_mark_when_the_audio_before_it_was_played(self) -> None:
        ear = Earpiece()
        ear.media(SECOND, 0)

        assert ear.mark("end", 0) == []
        assert ear.advance(999) == []
        assert ear.advance(1000) == ["end"]

    def test_returns_a_mark_at_once_when_nothing_is_buffered(self) -> None:
        assert Earpiece().mark("now", 0) == ["now"]

    def test_clear_drops_the_audio_and_returns_every_outstanding_mark_in_order(self) -> None:
        ear = Earpiece()
        ear.media(SECOND, 0)
        ear.mark("one", 0)
        ear.media(SECOND, 0)
        ear.mark("two", 0)

        assert ear.clear(250) == ["one", "two"]
        assert len(ear.sounds[0].audio) == 2000
        assert ear.sounds[0].cut
        assert not ear.playing

    def test_plays_what_is_sent_after_a_clear_as_a_new_sound(self) -> None:
        ear = Earpiece()
        ear.media(SECOND, 0)
        ear.clear(100)

        ear.media(SECOND, 120)
        ear.advance(1120)

        assert [sound.started_ms for sound in ear.sounds] == [0, 120]
        assert len(ear.sounds[1].audio) == 8000

    def test_counts_a_short_gap_as_a_hiccup_of_the_same_sound(self) -> None:
        ear = Earpiece()
        ear.media(SECOND, 0)
        ear.advance(1000)

        ear.media(SECOND, 1100)
        ear.advance(3000)

        assert (len(ear.sounds), ear.hiccups) == (1, 1)

    def test_tells_how_much_was_never_heard(self) -> None:
        ear = Earpiece()
        ear.media(SECOND, 0)

        assert ear.stop(400) == 600


class TestTwilioStream:
    def test_opens_with_connected_and_start_and_counts_in_strings(self) -> None:
        stream = make_stream()

        connected, start = map(json.loads, stream.opening())
        frame, again = json.loads(stream.frame(b"\xff" * 160)), json.loads(stream.frame(b""))

        assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        assert start["sequenceNumber"] == "1"
        assert start["start"]["customParameters"] == {"token": "t"}
        assert start["start"]["callSid"] == "CA1"
        assert (frame["sequenceNumber"], frame["media"]["chunk"]) == ("2", "1")
        assert (again["media"]["chunk"], again["media"]["timestamp"]) == ("2", "40")
        assert len(frame["media"]["payload"]) == 216

    def test_echoes_marks_when_played_and_when_cleared(self) -> None:
        stream = make_stream()
        stream.receive(media(SECOND), 0)
        stream.receive(message("mark", mark={"name": "a"}), 0)

        assert stream.advance(900) == []
        assert names(stream.advance(1000)) == ["a"]

        stream.receive(media(SECOND), 1000)
        stream.receive(message("mark", mark={"name": "b"}), 1000)
        assert names(stream.receive(message("clear"), 1100)) == ["b"]

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"{}", UNDECODABLE),
            ("{", UNDECODABLE),
            ("[]", UNDECODABLE),
            (message("stop"), INVALID),
            (message("clear", extra=1), INVALID),
            (json.dumps({"event": "clear", "streamSid": "MZ2"}), INVALID),
            (message("media", media={"payload": "%%%"}), INVALID),
            (message("media", media={"payload": "", "track": "outbound"}), INVALID),
            (message("mark", mark="end"), INVALID),
            (message("mark", mark={"name": 1}), INVALID),
        ],
    )
    def test_counts_a_violation_and_goes_on(self, data: str | bytes, code: int) -> None:
        stream = make_stream()

        assert stream.receive(data, 0) == []
        assert [violation[0] for violation in stream.violations] == [code]
        assert names(stream.receive(message("mark", mark={"name": "still"}), 0)) == ["still"]
