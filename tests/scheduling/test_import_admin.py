"""The pages of an import: upload, progress, what the check found, and the button that applies it."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from scheduling import services
from scheduling.models import DataImport, Patient
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db

UPLOAD = "/admin/scheduling/dataimport/upload/"
GOOD = b"reference_number,first_name,date_of_birth\r\nR1,Canary7391,1970-01-02\r\n"
BAD = b"reference_number,first_name,date_of_birth\r\nR1,Ana,Canary7391\r\n"


@pytest.fixture(autouse=True)
def _clinic_clock(settings: Any) -> None:
    settings.CAREMATIX_NOW = NOW


@pytest.fixture
def chief(client: Client) -> Client:
    user = make_user(role="admin", is_staff=True, is_superuser=True, username="chief")
    client.force_login(user)
    return client


def upload(client: Client, content: bytes = GOOD, name: str = "Ana Canary7391.csv") -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(UPLOAD, {"kind": "patients", "file": file})


def page_of(record: DataImport) -> str:
    return reverse("admin:scheduling_dataimport_change", args=[record.pk])


def apply(client: Client, record: DataImport, **fields: str) -> Any:
    address = reverse("admin:scheduling_dataimport_apply", args=[record.pk])
    return client.post(address, {"digest": record.digest} | fields)


def work_off() -> None:
    while services.run_next_import(now=NOW, clinic_now=NOW):
        pass


class TestAnImport:
    def test_goes_from_upload_to_done(self, chief: Client) -> None:
        assert chief.get(UPLOAD).status_code == 200
        response = upload(chief)
        record = DataImport.objects.get()
        assert response.headers["Location"] == page_of(record)
        waiting = chief.get(page_of(record)).content.decode()
        work_off()
        checked = chief.get(page_of(record)).content.decode()
        assert apply(chief, record).headers["Location"] == page_of(record)
        work_off()
        done = chief.get(page_of(record)).content.decode()

        assert 'http-equiv="refresh"' in waiting
        assert 'http-equiv="refresh"' not in checked
        assert 'value="Apply"' in checked
        assert "Stored: 1 row." in done
        assert "chief" in done
        assert "Canary7391" not in waiting + checked + done
        assert Patient.objects.get().first_name == "Canary7391"

    def test_shows_problems_and_no_value(self, chief: Client) -> None:
        upload(chief, BAD)
        work_off()

        page = chief.get(page_of(DataImport.objects.get())).content.decode()

        assert "date_of_birth" in page
        assert "Write a date as YYYY-MM-DD." in page
        assert "Canary7391" not in page
        assert 'value="Apply"' not in page

    @pytest.mark.parametrize("status", DataImport.Status.values)
    def test_has_a_page_in_every_state(self, chief: Client, status: str) -> None:
        upload(chief)
        DataImport.objects.update(status=status, rows_total=8, rows_done=3)
        record = DataImport.objects.get()

        page = chief.get(page_of(record)).content.decode()

        assert record.get_status_display() in page
        assert "style=" not in page.split('id="content"')[1]
        assert chief.get("/admin/scheduling/dataimport/").status_code == 200

    def test_that_nobody_knows_is_not_found(self, chief: Client) -> None:
        upload(chief)
        record = DataImport.objects.get()
        DataImport.objects.all().delete()

        assert chief.get(page_of(record)).status_code == 404
        assert apply(chief, record).status_code == 404


class TestAnUpload:
    def test_that_is_too_large_is_an_error_of_the_form(self, chief: Client) -> None:
        response = upload(chief, b"x" * (services.most_bytes() + 1))

        assert response.status_code == 200
        assert response.context["form"].errors == {"file": ["The file is too large. Divide it."]}
        assert not DataImport.objects.exists()

    def test_without_a_file_is_an_error_of_the_form(self, chief: Client) -> None:
        assert "file" in chief.post(UPLOAD, {"kind": "patients"}).context["form"].errors

    def test_keeps_nothing_of_the_name_of_the_file(self, chief: Client) -> None:
        upload(chief)

        record = DataImport.objects.values().get()
        event = AuditEvent.objects.filter(action="import.upload").values().get()
        assert "Canary7391" not in str({**record, "content": ""}) + str(event)


class TestApply:
    def test_needs_the_digest_of_the_file_that_was_seen(self, chief: Client) -> None:
        upload(chief)
        work_off()

        apply(chief, DataImport.objects.get(), digest="0" * 64)

        assert DataImport.objects.get().status == "checked"

    def test_is_no_link(self, chief: Client) -> None:
        upload(chief)
        work_off()
        record = DataImport.objects.get()

        address = reverse("admin:scheduling_dataimport_apply", args=[record.pk])

        assert chief.get(address).status_code == 405


class TestWhoMayNot:
    def test_neither_uploads_nor_applies_nor_sees(self, chief: Client) -> None:
        upload(chief)
        work_off()
        record = DataImport.objects.get()
        other = Client()
        other.force_login(make_user(is_staff=True))

        answers = [
            other.get(UPLOAD).status_code,
            upload(other).status_code,
            apply(other, record).status_code,
            other.get(page_of(record)).status_code,
        ]

        assert answers == [403] * 4
        assert DataImport.objects.get().status == "checked"

    def test_is_led_to_the_login_when_not_signed_in(self) -> None:
        assert "/accounts/login/" in upload(Client()).headers["Location"]
