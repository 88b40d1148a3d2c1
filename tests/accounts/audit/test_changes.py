"""What the audit record keeps of a change: nothing that identifies a person or tells of their health (S46)."""

from datetime import date

from accounts.audit.changes import changes
from accounts.models import User
from scheduling.models import MedicalCondition, Patient


class TestChanges:
    def test_show_a_choice_as_it_was_and_is(self) -> None:
        assert changes(User, {"role": "nurse"}, {"role": "admin"}) == {"role": ["nurse", "admin"]}

    def test_show_a_switch(self) -> None:
        assert changes(User, {"is_active": True}, {"is_active": False}) == {
            "is_active": [True, False]
        }

    def test_hide_what_identifies_a_patient(self) -> None:
        before = {"last_name": "Fernwood", "date_of_birth": date(1958, 3, 14)}
        after = {"last_name": "Hazelden", "date_of_birth": date(1958, 3, 15)}

        found = changes(Patient, before, after)

        assert "Fernwood" not in str(found)
        assert "1958" not in str(found)
        assert all(old != new for old, new in found.values())

    def test_give_the_same_hash_to_the_same_value(self) -> None:
        found = changes(Patient, {"last_name": "Fernwood"}, {"last_name": "Fernwood"})

        assert found["last_name"][0] == found["last_name"][1]
        assert found["last_name"][0].startswith("hash:")

    def test_hide_everything_of_a_condition(self) -> None:
        found = changes(MedicalCondition, {}, {"name": "Asthma", "active": True})

        assert "Asthma" not in str(found)
        assert found["active"] == [None, found["active"][1]]
        assert found["active"][1] is not True
