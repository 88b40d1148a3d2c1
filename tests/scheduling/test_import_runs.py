"""A file on its way: uploaded, checked by the worker, accepted by a person, applied and forgotten (S68)."""

import io
import logging
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from carematix.logs import Formatter
from scheduling import services
from scheduling.exceptions import Stale
from scheduling.exchange.csv_columns import names_of
from scheduling.exchange.csv_text import FileRefused
from scheduling.models import Appointment, DataImport, Patient
from scheduling.services import imports
from scheduling.services.sweeps import STEPS
from tests.factories import NOW, make_appointment, make_nurse, make_user
from tests.scheduling.import_files import PATIENT, WINDOW, file_of

CANARY = "Canary7391"


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


def uploaded(kind: str = "patients", content: bytes | None = None) -> DataImport:
    return services.upload_import(
        kind=kind,
        content=file_of(PATIENT) if content is None else content,
        user_id=make_user(role="admin").pk,
    )


def work_off(record: DataImport, *, later: timedelta = timedelta(0)) -> DataImport:
    """Let the worker do what there is to do."""
    while services.run_next_import(now=NOW + later, clinic_now=NOW):
        pass
    record.refresh_from_db()
    return record


def accept(record: DataImport, *, digest: str = "") -> DataImport:
    return services.accept_import(
        import_id=record.pk,
        digest=digest or record.digest,
        user_id=make_user(role="admin").pk,
        now=NOW,
    )


@pytest.mark.django_db
class TestTheWorker:
    def test_checks_and_waits_for_a_person(self) -> None:
        record = work_off(uploaded())

        assert record.status == "checked"
        assert (record.rows_total, record.rows_done) == (1, 1)
        assert record.summary == {"new": 1, "changed": 0, "unchanged": 0}
        assert not Patient.objects.exists()

    def test_stores_what_was_accepted_and_forgets_the_file(self) -> None:
        record = work_off(uploaded())

        record = work_off(accept(record))

        assert (record.status, bytes(record.content), record.finished_at) == ("done", b"", NOW)
        assert Patient.objects.count() == 1
        event = AuditEvent.objects.get(action="import")
        assert event.actor_id == str(record.accepted_by_id)
        assert [one.action for one in AuditEvent.objects.all()] == [
            "import.upload",
            "import.apply",
            "import",
        ]

    def test_shows_problems_and_forgets_the_file(self) -> None:
        record = work_off(uploaded(content=file_of(PATIENT, PATIENT)))

        assert (record.status, bytes(record.content)) == ("refused", b"")
        (problem,) = record.problems
        assert (problem["row"], problem["column"]) == (3, "reference_number")

    def test_bounds_the_list_of_problems(self) -> None:
        content = file_of(*[PATIENT | {"date_of_birth": "x"}] * 300)

        record = work_off(uploaded(content=content))

        assert len(record.problems) == 201
        assert record.problems[-1]["detail"] == "There are 100 more problems."

    def test_looks_again_before_it_stores(self) -> None:
        record = work_off(uploaded("availability", file_of(WINDOW | {"end": "09:15"}) or b""))
        assert record.status == "refused"  # there is no such nurse yet
        nurse = make_nurse(license_number="RN1")
        friday = file_of(WINDOW | {"weekday": "friday", "end": "09:15"})
        record = work_off(uploaded("availability", friday))
        assert record.status == "checked"
        make_appointment(nurse=nurse)

        record = work_off(accept(record))

        assert (record.status, bytes(record.content)) == ("failed", b"")
        assert record.problems[0]["code"] == "visits_outside"

    def test_shows_how_many_rows_are_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[int] = []
        update = imports._update

        def noted(record: DataImport, **values: Any) -> None:
            update(record, **values)
            seen.append(DataImport.objects.get().rows_done)

        monkeypatch.setattr(imports, "_update", noted)
        rows = [PATIENT | {"reference_number": f"R{number}"} for number in range(600)]

        work_off(uploaded(content=file_of(*rows)))

        assert seen == [0, 250, 500, 600]

    def test_leaves_what_another_one_has_in_hand_until_its_lease_ends(self) -> None:
        record = uploaded()
        DataImport.objects.update(status="checking", lease_until=NOW + timedelta(minutes=1))

        assert work_off(record).status == "checking"
        assert work_off(record, later=timedelta(minutes=2)).status == "checked"

    def test_stores_nothing_when_it_has_lost_its_lease(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record = accept(work_off(uploaded()))
        read = imports._read

        def slow(kind: str, content: bytes) -> Any:
            DataImport.objects.update(lease_until=NOW + timedelta(hours=1))  # somebody else's
            return read(kind, content)

        monkeypatch.setattr(imports, "_read", slow)

        record = work_off(record)

        assert record.status == "applying"
        assert not Patient.objects.exists()

    def test_says_when_it_fails_and_tells_the_log_nothing_of_the_file(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record = accept(work_off(uploaded()))

        def broken(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(imports, "_mark_done", broken)

        with pytest.raises(RuntimeError):
            services.run_next_import(now=NOW, clinic_now=NOW)

        record.refresh_from_db()
        assert (record.status, bytes(record.content)) == ("failed", b"")
        assert not Patient.objects.exists()

    def test_forgets_files_that_nobody_applies(self) -> None:
        record = work_off(uploaded())
        DataImport.objects.update(created_at=NOW - timedelta(days=2))

        assert services.forget_old_imports(now=NOW) == 1

        record.refresh_from_db()
        assert (record.status, bytes(record.content)) == ("refused", b"")

    def test_does_it_as_one_of_its_steps(self) -> None:
        assert {"imports", "old_imports"} <= {step.name for step in STEPS}


@pytest.mark.django_db
class TestAcceptance:
    def test_is_of_the_file_that_was_seen(self) -> None:
        record = work_off(uploaded())

        with pytest.raises(Stale):
            accept(record, digest="0" * 64)

    def test_is_once(self) -> None:
        record = accept(work_off(uploaded()))

        with pytest.raises(Stale):
            accept(record)

    def test_is_not_of_a_file_with_problems(self) -> None:
        record = work_off(uploaded(content=file_of(PATIENT, PATIENT)))

        with pytest.raises(Stale):
            accept(record)


@pytest.mark.django_db
class TestValuesOfAFile:
    @pytest.fixture
    def lines(self) -> Iterator[io.StringIO]:
        """Collect what every logger writes, formatted as in production and as a developer sees it."""
        out = io.StringIO()
        handler = logging.StreamHandler(out)
        handler.setFormatter(Formatter("json"))
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        yield out
        root.removeHandler(handler)
        root.setLevel(level)

    @pytest.mark.parametrize("kind", ["patients", "nurses", "availability", "appointments"])
    def test_are_in_no_problem_log_or_message(
        self, kind: str, lines: io.StringIO, tmp_path: Path
    ) -> None:
        names = names_of(kind)
        content = file_of(dict.fromkeys(names, CANARY), dict.fromkeys(names, f"+{CANARY}"))
        path = tmp_path / "file.csv"
        path.write_bytes(content)
        err = io.StringIO()

        record = work_off(uploaded(kind, content))
        with pytest.raises(CommandError) as refused:
            call_command("import_csv", kind, str(path), "--apply", stderr=err)

        assert record.status == "refused"
        told = f"{record.problems} {err.getvalue()} {refused.value} {lines.getvalue()}"
        assert CANARY.lower() not in told.lower()
        assert "row 2" in err.getvalue()


@pytest.mark.django_db
class TestTheCommand:
    def write(self, tmp_path: Path, content: bytes) -> str:
        path = tmp_path / "patients.csv"
        path.write_bytes(content)
        return str(path)

    def test_checks_and_stores_nothing(self, tmp_path: Path) -> None:
        out = io.StringIO()

        call_command("import_csv", "patients", self.write(tmp_path, file_of(PATIENT)), stdout=out)

        assert out.getvalue().startswith("1 new, 0 changed, 0 unchanged.\nNothing was stored")
        assert not Patient.objects.exists()

    def test_stores_when_told_to(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, file_of(PATIENT))

        call_command("import_csv", "patients", path, "--apply", stdout=io.StringIO())

        assert Patient.objects.get().date_of_birth == date(1970, 1, 2)

    def test_fails_when_there_are_problems(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, file_of(PATIENT, PATIENT))

        with pytest.raises(CommandError, match="Problems: 1"):
            call_command("import_csv", "patients", path, stderr=io.StringIO())

    def test_fails_when_there_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("import_csv", "patients", str(tmp_path / "none.csv"))

    def test_refuses_what_is_too_large(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, b"x" * (services.most_bytes() + 1))
        err = io.StringIO()

        with pytest.raises(CommandError):
            call_command("import_csv", "patients", path, stderr=err)

        assert err.getvalue() == "file: The file is larger than 5 MB.\n"


@pytest.mark.django_db
class TestAnUpload:
    def test_that_is_too_large_is_not_stored(self) -> None:
        with pytest.raises(FileRefused):
            uploaded(content=b"x" * (services.most_bytes() + 1))

        assert not DataImport.objects.exists()

    def test_of_more_rows_than_allowed_is_refused(self, settings: Any) -> None:
        settings.LIMIT_IMPORT_ROWS = 2
        rows = [PATIENT | {"reference_number": f"R{number}"} for number in range(3)]

        record = work_off(uploaded(content=file_of(*rows)))

        assert record.problems[0]["code"] == "too_many_rows"
        assert not Appointment.objects.exists()
