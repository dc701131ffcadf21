"""Addresses of the pages on meetings; they live under /profile/."""

from __future__ import annotations

from django.urls import path

from crm.pages import meetings

app_name = "crm"

urlpatterns = [
    path("meetings/", meetings.meetings, name="meetings"),
    path("meetings/new/", meetings.new, name="meeting_new"),
    path("meetings/<int:pk>/", meetings.meeting, name="meeting"),
    path("meetings/<int:pk>/delete/", meetings.delete, name="meeting_delete"),
    path("meetings/<int:pk>/dates/<str:original>/", meetings.one_date, name="meeting_date"),
]
