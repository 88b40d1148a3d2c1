"""The addresses of FHIR, from the table of resources; none of them ends in a slash."""

from django.urls import URLPattern, path, re_path

from scheduling.fhir import api, operations
from scheduling.fhir.table import RESOURCES

READ = {
    "PractitionerRole": (api.RoleView, "str"),
    "Slot": (api.SlotView, "str"),
    "Appointment": (api.AppointmentView, "uuid"),
}
"""Resources with a door of their own, and the form of their ids; the others have the usual ones."""


def _addresses(name: str) -> list[URLPattern]:
    search = api.AppointmentSearch if name == "Appointment" else api.SearchView
    read, form = READ.get(name, (api.ReadView, "uuid"))
    label = f"fhir_{name.lower()}"
    return [
        path(name, search.as_view(kind_name=name), name=f"{label}_search"),
        path(
            f"{name}/_search",
            api.PostedSearch.as_view(kind_name=name),
            name=f"{label}_posted_search",
        ),
        path(f"{name}/<{form}:row_id>", read.as_view(kind_name=name), name=f"{label}_read"),
    ]


urlpatterns = [
    path("metadata", api.Metadata.as_view(), name="fhir_metadata"),
    *(address for name in RESOURCES for address in _addresses(name)),
    path(
        "Appointment/<uuid:row_id>/_history/<str:version>",
        api.ReadView.as_view(kind_name="Appointment"),
        name="fhir_appointment_version",
    ),
    path("Appointment/$find", operations.Find.as_view(), name="fhir_find"),
    path("Appointment/$hold", operations.Hold.as_view(), name="fhir_hold"),
    path("Appointment/$book", operations.Book.as_view(), name="fhir_book"),
    re_path(r"^.*$", api.Nowhere.as_view(), name="fhir_nowhere"),
]
