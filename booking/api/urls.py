"""The API's addresses, below /api/."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from booking.api.appointments import AppointmentsView
from booking.api.catalog import ServicesView, ServiceView
from booking.api.docs import DocsView
from booking.api.events import EventsView, EventView, RegistrationsView
from booking.api.health import HealthView
from booking.api.slots import NextSlotView, SlotsView
from booking.api.uploads import UploadsView

app_name = "api"
urlpatterns = [
    path("v1/services/", ServicesView.as_view(), name="services"),
    path("v1/services/<int:pk>/", ServiceView.as_view(), name="service"),
    path("v1/slots/", SlotsView.as_view(), name="slots"),
    path("v1/slots/next/", NextSlotView.as_view(), name="next_slot"),
    path("v1/appointments/", AppointmentsView.as_view(), name="appointments"),
    path("v1/uploads/", UploadsView.as_view(), name="uploads"),
    path("v1/events/", EventsView.as_view(), name="events"),
    path("v1/events/<int:pk>/", EventView.as_view(), name="event"),
    path("v1/events/<int:pk>/registrations/", RegistrationsView.as_view(), name="registrations"),
    path("v1/health/", HealthView.as_view(), name="health"),
    path("schema/", SpectacularAPIView.as_view(authentication_classes=[]), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
