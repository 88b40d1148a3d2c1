"""The addresses of the records that staff and other systems keep: people, hours, and what the clinic offers."""

from django.urls import path

from scheduling.api import calendar, care, hours, nurses, people

urlpatterns = [
    path("patients/", people.Patients.as_view(), name="api_patients"),
    path("patients/search/", people.PatientSearch.as_view(), name="api_patient_search"),
    path("patients/<uuid:pk>/", people.PatientObject.as_view(), name="api_patient"),
    path("conditions/", people.Conditions.as_view(), name="api_conditions"),
    path("conditions/<uuid:pk>/", people.ConditionObject.as_view(), name="api_condition"),
    path("care-assignments/", care.CareAssignments.as_view(), name="api_care_assignments"),
    path(
        "care-assignments/<uuid:pk>/",
        care.CareAssignmentObject.as_view(),
        name="api_care_assignment",
    ),
    path("nurses/", nurses.Nurses.as_view(), name="api_nurses"),
    path("nurses/<uuid:pk>/", nurses.NurseObject.as_view(), name="api_nurse"),
    path("specializations/", nurses.Specializations.as_view(), name="api_specializations"),
    path(
        "specializations/<uuid:pk>/",
        nurses.SpecializationObject.as_view(),
        name="api_specialization",
    ),
    path("visit-types/", calendar.VisitTypes.as_view(), name="api_visit_types"),
    path("visit-types/<uuid:pk>/", calendar.VisitTypeObject.as_view(), name="api_visit_type"),
    path("holidays/", calendar.Holidays.as_view(), name="api_holidays"),
    path("holidays/<uuid:pk>/", calendar.HolidayObject.as_view(), name="api_holiday"),
    path("availability/", hours.AvailabilityList.as_view(), name="api_availability_list"),
    path("availability/<uuid:pk>/", hours.AvailabilityObject.as_view(), name="api_availability"),
    path("availability-overrides/", hours.Overrides.as_view(), name="api_availability_overrides"),
    path(
        "availability-overrides/<uuid:pk>/",
        hours.OverrideObject.as_view(),
        name="api_availability_override",
    ),
]
