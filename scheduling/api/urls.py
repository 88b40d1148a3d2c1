"""The addresses of scheduling's REST API, below `/api/v1/` (contract, section 6)."""

from django.urls import path

from scheduling.api import appointments

urlpatterns = [
    path("appointments/", appointments.Appointments.as_view(), name="api_appointments"),
    path(
        "appointments/<uuid:pk>/",
        appointments.AppointmentObject.as_view(),
        name="api_appointment",
    ),
    path(
        "appointments/<uuid:pk>/cancellation/",
        appointments.Cancellation.as_view(),
        name="api_appointment_cancellation",
    ),
    path(
        "appointments/<uuid:pk>/rescheduling/",
        appointments.Rescheduling.as_view(),
        name="api_appointment_rescheduling",
    ),
    path(
        "appointments/<uuid:pk>/attendance-confirmation/",
        appointments.AttendanceConfirmation.as_view(),
        name="api_appointment_attendance_confirmation",
    ),
    path(
        "appointments/<uuid:pk>/arrival/",
        appointments.Arrival.as_view(),
        name="api_appointment_arrival",
    ),
    path(
        "appointments/<uuid:pk>/fulfilment/",
        appointments.Fulfilment.as_view(),
        name="api_appointment_fulfilment",
    ),
    path(
        "appointments/<uuid:pk>/no-show/",
        appointments.NoShow.as_view(),
        name="api_appointment_no_show",
    ),
]
