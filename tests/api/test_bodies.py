"""Bodies that are no JSON of ours: refused with 400 at the door, whatever the address and whether repeated or not."""

from typing import Any

import pytest

from scheduling.models import Appointment
from tests.factories import NOW, TOMORROW_NINE, make_appointment
from tests.scheduling.api.keys import Program

HUGE = "9" * 5_000
FAULTY = {
    "not JSON": '{"start": ',
    "not a number": '{"start": NaN}',
    "infinity": '{"start": Infinity}',
    "a number beyond all bounds": '{"start": 1e999}',
    "a whole number of 5,000 digits": f'{{"start": {HUGE}}}',
    "a name twice": '{"reason": "a", "reason": "b"}',
    "half a character": '{"reason": "\\ud800"}',
    "half a character as a name": '{"\\udfff": "a"}',
    "half a character deep inside": '{"reason": [{"a": "\\ud83d"}]}',
    "a NUL": '{"reason": "a\\u0000b"}',
    "a NUL as a name": '{"a\\u0000b": "b"}',
    "nested past reading": "[" * 100_000,
    "nested deeply": '{"a":' * 200 + "1" + "}" * 200,
    "a list": '[{"reason": "a"}]',
    "a text": '"reason"',
    "a number": "7",
    "no UTF-8": b'{"reason": "\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.fixture
def program(db: None, settings: Any) -> Program:
    settings.CAREMATIX_NOW = NOW
    settings.LIMIT_KEY_WRITES_PER_MINUTE = 1_000
    return Program()


@pytest.mark.parametrize("fault", FAULTY)
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k1"}], ids=["plain", "with a key"])
class TestABodyWith:
    def test_is_refused_wherever_it_goes_s44(
        self, program: Program, fault: str, headers: dict[str, str]
    ) -> None:
        visit = make_appointment(start=TOMORROW_NINE)
        for method, path in (
            ("POST", "appointments/"),
            ("PATCH", f"appointments/{visit.pk}/"),
            ("POST", f"appointments/{visit.pk}/cancellation/"),
        ):
            answer = program.ask(method, path, FAULTY[fault], **headers)

            assert answer.status_code == 400, (method, path, answer.content)
            assert answer.json()["code"] in {"invalid", "parse_error"}
        assert Appointment.objects.get().status == "booked"


class TestAWholeNumber:
    def test_of_many_digits_is_an_error_of_its_field(self, program: Program) -> None:
        answer = program.ask("POST", "appointments/", f'{{"start": {"9" * 4_000}}}')

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert "start" in answer.json()["fields"]
