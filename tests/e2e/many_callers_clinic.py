"""Run as a process with the server's environment: fill its database, or report what the calls left in it."""

import json
import sys
from datetime import date, time

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from scheduling.models import Appointment, Availability, Nurse, Patient  # noqa: E402
from tests.e2e import many_callers  # noqa: E402
from voice.models import CallLog, ToolCall  # noqa: E402


def fill() -> None:
    """Migrate, load the sample clinic, and add a patient and a nurse with free mornings for each caller."""
    call_command("migrate", verbosity=0)
    call_command("load_sample_data", verbosity=0, stdout=sys.stderr)
    for index in range(many_callers.CALLERS):
        first, last = many_callers.patient_name(index).split()
        Patient.objects.create(
            first_name=first,
            last_name=last,
            date_of_birth=date.fromisoformat(many_callers.BORN),
            phone=many_callers.number(index),
        )
        first, last = many_callers.nurse_name(index).split()
        nurse = Nurse.objects.create(
            first_name=first,
            last_name=last,
            license_number=f"E2E{index:03d}",
            license_state="DC",
            license_expires_on=date(2099, 12, 31),
        )
        for weekday in range(5):
            Availability.objects.create(nurse=nurse, weekday=weekday, start=time(8), end=time(16))


def report() -> dict[str, object]:
    """Return what the calls left: visits as patient and nurse, outcomes, and each tool's duration by caller."""
    visits = Appointment.objects.filter(
        patient__phone__startswith="+12025551", source="voice", status="booked"
    ).select_related("patient", "nurse")
    tools = ToolCall.objects.select_related("call")
    return {
        "visits": [[str(visit.patient.name), str(visit.nurse.name)] for visit in visits],
        "outcomes": list(CallLog.objects.values_list("outcome", flat=True)),
        "statuses": list(CallLog.objects.values_list("status", flat=True)),
        "tools": [
            [tool.call.from_number, tool.name, tool.code, tool.duration_ms] for tool in tools
        ],
    }


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill()
    else:
        sys.stdout.write(json.dumps(report()))
