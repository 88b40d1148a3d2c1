"""The addresses of scheduling's REST API, below `/api/v1/` (contract, section 6)."""

from django.urls import path

from scheduling.api import (
    appointments,
    holds,
    messages,
    record_urls,
    slots,
    tasks,
    waitlist,
    webhooks,
)

urlpatterns = [
    *record_urls.urlpatterns,
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
    path("slots/", slots.Slots.as_view(), name="api_slots"),
    path("slot-holds/", holds.Holds.as_view(), name="api_slot_holds"),
    path("slot-holds/<uuid:pk>/", holds.HoldObject.as_view(), name="api_slot_hold"),
    path("waitlist/", waitlist.Entries.as_view(), name="api_waitlist"),
    path("waitlist/<uuid:pk>/", waitlist.Entry.as_view(), name="api_waitlist_entry"),
    path("waitlist/<uuid:pk>/offer/", waitlist.Offer.as_view(), name="api_waitlist_offer"),
    path(
        "waitlist/<uuid:pk>/offer/acceptance/",
        waitlist.Acceptance.as_view(),
        name="api_waitlist_offer_acceptance",
    ),
    path(
        "waitlist/<uuid:pk>/offer/refusal/",
        waitlist.Refusal.as_view(),
        name="api_waitlist_offer_refusal",
    ),
    path("messages/", messages.Messages.as_view(), name="api_messages"),
    path("messages/<uuid:pk>/", messages.MessageObject.as_view(), name="api_message"),
    path("staff-tasks/", tasks.Tasks.as_view(), name="api_staff_tasks"),
    path("staff-tasks/<uuid:pk>/", tasks.Task.as_view(), name="api_staff_task"),
    path(
        "staff-tasks/<uuid:pk>/completion/",
        tasks.Completion.as_view(),
        name="api_staff_task_completion",
    ),
    path("webhook-endpoints/", webhooks.Endpoints.as_view(), name="api_webhook_endpoints"),
    path("webhook-endpoints/<uuid:pk>/", webhooks.Endpoint.as_view(), name="api_webhook_endpoint"),
    path(
        "webhook-endpoints/<uuid:pk>/test/",
        webhooks.Trial.as_view(),
        name="api_webhook_endpoint_test",
    ),
    path(
        "webhook-endpoints/<uuid:pk>/secret-rotation/",
        webhooks.SecretRotation.as_view(),
        name="api_webhook_secret_rotation",
    ),
    path("webhook-deliveries/", webhooks.Deliveries.as_view(), name="api_webhook_deliveries"),
    path("webhook-deliveries/<uuid:pk>/", webhooks.Delivery.as_view(), name="api_webhook_delivery"),
    path(
        "webhook-deliveries/<uuid:pk>/replay/",
        webhooks.Replay.as_view(),
        name="api_webhook_delivery_replay",
    ),
]
