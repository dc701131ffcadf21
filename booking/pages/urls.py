"""The addresses of the shop's pages."""

from __future__ import annotations

from django.urls import path

from booking.pages import (
    book,
    catalog,
    customer,
    decide,
    diary,
    events,
    feeds,
    hours,
    manage,
    move,
    panel,
    pictures,
    registration,
    staff_events,
    why,
)

app_name = "booking"

urlpatterns = [
    path("", catalog.services, name="services"),
    path("service/<int:pk>/", catalog.service, name="service"),
    path("service/<int:pk>/time/", book.time, name="time"),
    path("service/<int:pk>/details/", book.details, name="details"),
    path("media/pictures/<slug:name>.webp", pictures.picture, name="picture"),
    path("events/", events.events, name="events"),
    path("events/registered/", events.registered, name="registered"),
    path("event/<slug:slug>/", events.event, name="event"),
    path("registration/<str:token>/", registration.registration, name="registration"),
    path("registration/<str:token>/cancel/", registration.cancel, name="registration_cancel"),
    path("booked/", book.booked, name="booked"),
    path("booking/<str:token>/", manage.manage, name="manage"),
    path("booking/<str:token>/reschedule/", manage.reschedule, name="manage_reschedule"),
    path("booking/<str:token>/cancel/", manage.cancel, name="manage_cancel"),
    path("calendar/<str:token>/appointment.ics", feeds.appointment_entry, name="appointment_entry"),
    path("calendar/<str:token>/event.ics", feeds.registration_entry, name="registration_entry"),
    path("request/<str:token>/approve/", decide.approve, name="request_approve"),
    path("request/<str:token>/reject/", decide.reject, name="request_reject"),
    path("mine/<str:token>/", panel.panel, name="panel"),
    path("mine/<str:token>/data/", customer.data, name="customer_data"),
    path("mine/<str:token>/data.json", customer.export, name="customer_export"),
    path("mine/<str:token>/erase/", customer.erase, name="customer_erase"),
    path("feed/<str:token>/bookings.ics", feeds.customer, name="feed"),
    path("feed/<str:token>/diary.ics", feeds.diary, name="diary_feed"),
    path("profile/diary/", feeds.own_diary, name="own_diary"),
    path("profile/", diary.profile, name="profile"),
    path("profile/event/<int:pk>/", staff_events.event, name="staff_event"),
    path("profile/hours/", hours.hours, name="hours"),
    path("profile/hours/day/", hours.day, name="hours_day"),
    path("profile/hours/off/", hours.off, name="hours_off"),
    path("profile/hours/off/<int:pk>/remove/", hours.remove_off, name="hours_remove_off"),
    path("profile/hours/clock/", hours.clock, name="hours_clock"),
    path("profile/why/", why.why, name="why"),
    path("profile/appointment/<int:pk>/", diary.appointment, name="appointment"),
    path("profile/appointment/<int:pk>/file/<int:answer>/", diary.file, name="appointment_file"),
    path("profile/appointment/<int:pk>/approve/", diary.approve, name="appointment_approve"),
    path("profile/appointment/<int:pk>/reject/", diary.reject, name="appointment_reject"),
    path("profile/appointment/<int:pk>/cancel/", diary.cancel, name="appointment_cancel"),
    path("profile/appointment/<int:pk>/move/", move.move, name="appointment_move"),
    path("profile/appointment/<int:pk>/sync/", diary.sync, name="appointment_sync"),
]
