"""The addresses of the shop's pages."""

from __future__ import annotations

from django.urls import path

from booking.pages import attendance, book, catalog, diary, events, manage, move, panel, registration, staff_events, waiting, why

app_name = "booking"

urlpatterns = [
    path("", catalog.services, name="services"),
    path("service/<int:pk>/", catalog.service, name="service"),
    path("service/<int:pk>/time/", book.time, name="time"),
    path("service/<int:pk>/details/", book.details, name="details"),
    path("service/<int:pk>/waiting/", waiting.enter, name="waiting_enter"),
    path("waiting/", waiting.entered, name="waiting_entered"),
    path("waiting/<str:token>/", waiting.entry, name="waiting"),
    path("waiting/<str:token>/withdraw/", waiting.withdraw, name="waiting_withdraw"),
    path("events/", events.events, name="events"),
    path("events/registered/", events.registered, name="registered"),
    path("event/<slug:slug>/", events.event, name="event"),
    path("registration/<str:token>/", registration.registration, name="registration"),
    path("registration/<str:token>/cancel/", registration.cancel, name="registration_cancel"),
    path("booked/", book.booked, name="booked"),
    path("booking/<str:token>/", manage.manage, name="manage"),
    path("booking/<str:token>/reschedule/", manage.reschedule, name="manage_reschedule"),
    path("booking/<str:token>/cancel/", manage.cancel, name="manage_cancel"),
    path("mine/<str:token>/", panel.panel, name="panel"),
    path("profile/", diary.profile, name="profile"),
    path("profile/event/<int:pk>/", staff_events.event, name="staff_event"),
    path("profile/why/", why.why, name="why"),
    path("profile/appointment/<int:pk>/", diary.appointment, name="appointment"),
    path("profile/appointment/<int:pk>/approve/", diary.approve, name="appointment_approve"),
    path("profile/appointment/<int:pk>/reject/", diary.reject, name="appointment_reject"),
    path("profile/appointment/<int:pk>/cancel/", diary.cancel, name="appointment_cancel"),
    path("profile/appointment/<int:pk>/move/", move.move, name="appointment_move"),
    path("profile/appointment/<int:pk>/sync/", diary.sync, name="appointment_sync"),
    path("profile/attendance/<int:pk>/approve/", attendance.approve, name="attendance_approve"),
    path("profile/attendance/<int:pk>/reject/", attendance.reject, name="attendance_reject"),
    path("profile/attendance/<int:pk>/cancel/", attendance.cancel, name="attendance_cancel"),
    path("profile/attendance/<int:pk>/no-show/", attendance.no_show, name="attendance_no_show"),
]
