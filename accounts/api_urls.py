"""The addresses of the API of people, keys and the audit record, below `/api/v1/` (contract, section 6)."""

from django.urls import path

from accounts.api import Me
from accounts.rest import api_keys, audit_events

urlpatterns = [
    path("me/", Me.as_view(), name="api_me"),
    path("api-keys/", api_keys.Keys.as_view(), name="api_keys"),
    path("api-keys/<uuid:pk>/", api_keys.Key.as_view(), name="api_key"),
    path("audit-events/", audit_events.Events.as_view(), name="api_audit_events"),
    path("audit-events/<int:pk>/", audit_events.Event.as_view(), name="api_audit_event"),
]
