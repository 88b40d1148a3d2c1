"""The addresses of the REST API of calls, below `/api/v1/` (contract, section 6)."""

from django.urls import path

from voice.api import calls, details

urlpatterns = [
    path("calls/", calls.Calls.as_view(), name="api_calls"),
    path("calls/<uuid:pk>/", calls.Call.as_view(), name="api_call"),
    path("calls/<uuid:pk>/transcript/", details.Transcript.as_view(), name="api_transcript"),
    path("calls/<uuid:pk>/tool-calls/", details.ToolCalls.as_view(), name="api_tool_calls"),
]
