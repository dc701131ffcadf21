"""The addresses of activities in the API, below /api/."""

from __future__ import annotations

from django.urls import path

from crm.api.meetings import MeetingsView, MeetingView

app_name = "crm_api"
urlpatterns = [
    path("v1/meetings/", MeetingsView.as_view(), name="meetings"),
    path("v1/meetings/<int:pk>/", MeetingView.as_view(), name="meeting"),
]
