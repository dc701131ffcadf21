"""Addresses that only the demo has."""

from __future__ import annotations

from django.urls import path

from config.demo import pages

app_name = "demo"
urlpatterns = [
    path("mail/", pages.mail_list, name="mail_list"),
    path("mail/<str:key>/", pages.mail, name="mail"),
]
