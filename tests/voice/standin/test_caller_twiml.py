"""TwiML is read as strictly as Twilio reads it."""

import pytest

from voice.standin.twiml import TwimlError, parse

STREAM = (
    b'<Response><Connect><Stream url="wss://clinic.example/ws/media-stream">'
    b'<Parameter name="token" value="t"/></Stream></Connect>'
    b'<Redirect method="POST">https://clinic.example/after</Redirect></Response>'
)


def code_of(body: bytes, *, status: int = 200, content_type: str = "text/xml") -> int:
    with pytest.raises(TwimlError) as raised:
        parse(status=status, content_type=content_type, body=body)
    return raised.value.code


class TestParse:
    def test_reads_verbs_attributes_text_and_children_in_order(self) -> None:
        connect, redirect = parse(status=200, content_type="text/xml; charset=utf-8", body=STREAM)

        assert connect.children[0].get("url") == "wss://clinic.example/ws/media-stream"
        assert connect.children[0].children[0].get("value") == "t"
        assert (redirect.name, redirect.text) == ("Redirect", "https://clinic.example/after")

    def test_knows_an_empty_document(self) -> None:
        assert parse(status=200, content_type="text/xml", body=b"<Response/>") == ()

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"<Response>", 12100),
            (b"<response/>", 12100),
            (b'<!DOCTYPE r [<!ENTITY a "b">]><Response>&a;</Response>', 12100),
            (b"<Response><say>Hi</say></Response>", 12200),
            (b'<Response><Say Voice="x">Hi</Say></Response>', 12200),
            (b"<Response>Hi</Response>", 12200),
            (b"<Response><Hangup>now</Hangup></Response>", 12200),
            (b"<Response><Gather><Dial>+1</Dial></Gather></Response>", 12200),
            (b"<Response><Connect/></Response>", 12200),
            (b"<Response><Redirect/></Response>", 12200),
            (b'<Response><Record maxLength="5"/></Response>', 12200),
            (STREAM.replace(b"wss:", b"https:"), 31922),
            (STREAM.replace(b"<Stream ", b'<Stream track="both_tracks" '), 31941),
            (STREAM.replace(b'value="t"', b'value="' + b"t" * 496 + b'"'), 12200),
            (b"<Response><Say>" + b"x" * 65_536 + b"</Say></Response>", 11750),
        ],
    )
    def test_refuses_what_twilio_refuses(self, body: bytes, code: int) -> None:
        assert code_of(body) == code

    def test_refuses_another_status_and_another_type(self) -> None:
        assert code_of(STREAM, status=500) == 11200
        assert code_of(STREAM, status=302) == 11200
        assert code_of(STREAM, content_type="text/plain") == 12300
