"""Standard Webhooks 1.0, with the vector of the scheduling reference (section 15)."""

import pytest

from scheduling.webhooks.signatures import key_of, secret_of, signed_headers

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = b'{"type":"appointment.cancelled","timestamp":"2026-01-01T09:00:00Z","data":{"id":"42"}}'
SIGNATURE = "v1,RihGN2C3zyKTmTY5brNE9LK+kPoH6cHpY0UqcrWz14w="


def headers(*keys: bytes) -> dict[str, str]:
    return signed_headers(keys=keys, event_id="msg_2b7f0c51e0", timestamp=1767258000, body=BODY)


class TestSignedHeaders:
    def test_are_those_of_the_reference(self) -> None:
        assert headers(key_of(SECRET)) == {
            "webhook-id": "msg_2b7f0c51e0",
            "webhook-timestamp": "1767258000",
            "webhook-signature": SIGNATURE,
        }

    def test_hold_a_signature_of_each_key_in_their_order(self) -> None:
        new = bytes(range(32, 64))

        both = headers(new, key_of(SECRET))["webhook-signature"]

        assert both == f"{headers(new)['webhook-signature']} {SIGNATURE}"


class TestASecret:
    def test_is_the_base64_of_its_key(self) -> None:
        assert secret_of(bytes(range(32))) == SECRET
        assert key_of(SECRET) == bytes(range(32))

    @pytest.mark.parametrize(
        "text", ["", "AAEC", "whsec_", "whsec_AAEC", "whsec_!", secret_of(bytes(65))]
    )
    def test_of_another_form_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            key_of(text)
