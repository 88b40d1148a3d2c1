"""Reading and writing Media Streams messages (twilio.md, section 6; S70)."""

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.protocol.calls import audio
from voice.protocol import twilio
from voice.protocol.twilio import MediaStreamError

START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ1",
    "start": {
        "streamSid": "MZ1",
        "accountSid": "AC1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "secret"},
    },
}
MEDIA: dict[str, Any] = {
    "event": "media",
    "sequenceNumber": "2",
    "streamSid": "MZ1",
    "media": {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": audio(20)},
}
DTMF: dict[str, Any] = {
    "event": "dtmf",
    "streamSid": "MZ1",
    "sequenceNumber": "5",
    "dtmf": {"track": "inbound_track", "digit": "1"},
}


def changed(frame: dict[str, Any], *path: str, to: Any) -> str:
    """Return the frame as text with one value replaced, or removed if `to` is Ellipsis."""
    copy = json.loads(json.dumps(frame))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return json.dumps(copy)


class TestParse:
    def test_reads_connected(self) -> None:
        frame = '{"event":"connected","protocol":"Call","version":"1.0.0"}'

        assert twilio.parse(frame) == twilio.Connected()

    def test_reads_start_with_its_parameters(self) -> None:
        assert twilio.parse(json.dumps(START)) == twilio.Start(
            "MZ1", "CA1", "AC1", {"token": "secret"}, twilio.MediaFormat()
        )

    def test_reads_media_whose_numbers_are_texts(self) -> None:
        assert twilio.parse(json.dumps(MEDIA)) == twilio.Media(audio(20), 5, 1, 2, "MZ1")

    def test_reads_a_key(self) -> None:
        assert twilio.parse(json.dumps(DTMF)) == twilio.Dtmf("1", "MZ1")

    def test_reads_a_mark(self) -> None:
        frame = '{"event":"mark","sequenceNumber":"9","streamSid":"MZ1","mark":{"name":"0|a|200"}}'

        assert twilio.parse(frame) == twilio.Mark("0|a|200", "MZ1")

    def test_reads_stop(self) -> None:
        frame = '{"event":"stop","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}'

        assert twilio.parse(frame) == twilio.Stop("MZ1")

    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            ("", "not_json"),
            ("{", "not_json"),
            ("\ud800", "not_json"),
            ("[" * 10_000, "not_json"),
            ('{"a":' * 10_000, "not_json"),
            ("[]", "not_an_object"),
            ("null", "not_an_object"),
            ("{}", "unknown_event"),
            ('{"event":"clear"}', "unknown_event"),
            ('{"event":["media"]}', "unknown_event"),
            ('{"event":"media"}', "missing_key"),
            (json.dumps({"event": "x", "pad": "x" * 70_000}), "too_large"),
            (changed(MEDIA, "media", "payload", to=...), "missing_key"),
            (changed(MEDIA, "media", "payload", to=7), "bad_payload"),
            (changed(MEDIA, "media", "payload", to="AA*A"), "bad_payload"),
            (changed(MEDIA, "media", "payload", to='AA"A'), "bad_payload"),
            (changed(MEDIA, "media", "payload", to="AAA"), "bad_payload"),
            (changed(MEDIA, "media", "payload", to="A=AA"), "bad_payload"),
            (changed(MEDIA, "media", "payload", to="AAAA\n"), "bad_payload"),
            (changed(MEDIA, "media", "payload", to="A" * 8_196), "too_large"),
            (changed(MEDIA, "media", "timestamp", to="soon"), "bad_value"),
            (changed(MEDIA, "media", "timestamp", to=-1), "bad_value"),
            (changed(MEDIA, "media", "timestamp", to="9" * 5_000), "bad_value"),
            (changed(MEDIA, "streamSid", to=...), "missing_key"),
            (changed(MEDIA, "media", to=[]), "missing_key"),
            (changed(DTMF, "dtmf", "digit", to="12"), "bad_value"),
            (changed(DTMF, "dtmf", "digit", to="x"), "bad_value"),
            (changed(START, "start", "callSid", to=...), "missing_key"),
            (changed(START, "start", "streamSid", to='MZ","x":"'), "bad_value"),
            (changed(START, "streamSid", to="MZ2"), "bad_value"),
            (changed(START, "start", "customParameters", to={"token": 1}), "bad_value"),
            (changed(START, "start", "mediaFormat", "sampleRate", to=16000), "unsupported_format"),
        ],
        ids=lambda value: value[:40].encode("ascii", "replace").decode(),
    )
    def test_refuses_a_malformed_frame(self, frame: str, code: str) -> None:
        """S70."""
        with pytest.raises(MediaStreamError) as error:
            twilio.parse(frame)

        assert error.value.code == code

    @pytest.mark.parametrize("limits", [{"longest_frame": 100}, {"longest_payload": 4}])
    def test_refuses_what_is_longer_than_it_is_told(self, limits: dict[str, int]) -> None:
        with pytest.raises(MediaStreamError, match="too_large"):
            twilio.parse(changed(MEDIA, "media", "payload", to="A" * 128), **limits)

    def test_takes_as_much_as_it_is_told(self) -> None:
        payload = "A" * 80_000

        message = twilio.parse(
            changed(MEDIA, "media", "payload", to=payload),
            longest_frame=100_000,
            longest_payload=90_000,
        )

        assert isinstance(message, twilio.Media)
        assert message.payload == payload

    @given(
        st.sampled_from([START, MEDIA, DTMF]),
        st.data(),
    )
    def test_raises_nothing_else_whatever_is_changed_in_a_frame(
        self, frame: dict[str, Any], data: st.DataObject
    ) -> None:
        """S70."""
        text = json.dumps(frame)
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(st.text(max_size=6)) + text[at + cut :]

        with suppress(MediaStreamError):
            twilio.parse(text)


class TestWriters:
    def test_write_what_twilio_documents(self) -> None:
        assert json.loads(twilio.media("MZ1", "AAAA")) == {
            "event": "media",
            "streamSid": "MZ1",
            "media": {"payload": "AAAA"},
        }
        assert json.loads(twilio.mark("MZ1", '0|a"b|5')) == {
            "event": "mark",
            "streamSid": "MZ1",
            "mark": {"name": '0|a"b|5'},
        }
        assert json.loads(twilio.clear("MZ1")) == {"event": "clear", "streamSid": "MZ1"}


class TestDecodedLength:
    @given(st.binary(max_size=50))
    def test_is_the_length_of_the_bytes(self, data: bytes) -> None:
        assert twilio.decoded_length(b64encode(data).decode()) == len(data)
