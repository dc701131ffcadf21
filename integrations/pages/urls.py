"""Addresses of the pages on calendars and sync history; they live under /profile/."""

from __future__ import annotations

from django.urls import path

from integrations.pages import accounts, calendars, expiry, history, plan, rules

app_name = "integrations"

urlpatterns = [
    path("calendars/", calendars.calendars, name="calendars"),
    path("calendars/expiry/", expiry.show, name="expiry"),
    path("calendars/send-link/", calendars.send_link, name="send_link"),
    path("calendars/connect/<slug:provider>/", accounts.new, name="connect_with"),
    path("calendars/accounts/<int:pk>/check/", accounts.check, name="check"),
    path("calendars/accounts/<int:pk>/check/again/", accounts.check_again, name="check_again"),
    path("calendars/accounts/<int:pk>/choose/", accounts.choose, name="choose"),
    path("calendars/accounts/<int:pk>/plan/", plan.show, name="plan"),
    path("calendars/accounts/<int:pk>/password/", accounts.password, name="password"),
    path("calendars/accounts/<int:pk>/disconnect/", accounts.disconnect, name="disconnect"),
    path("calendars/links/<int:pk>/", accounts.link, name="link"),
    path("calendars/links/<int:pk>/reading/", calendars.reading, name="reading"),
    path("calendars/links/<int:pk>/gone/", calendars.gone, name="gone"),
    path("calendars/conflicts/<int:pk>/", calendars.settle, name="settle"),
    path("calendars/outgoing/<int:pk>/again/", calendars.try_again, name="try_again"),
    path("calendars/rules/", rules.rules, name="rules"),
    path("calendars/rules/preview/", rules.preview, name="preview"),
    path("history/", history.changes, name="history"),
    path("history/runs/", history.runs, name="runs"),
    path("history/runs/<int:pk>/undo/", history.undo, name="undo"),
    path("history/changes/<int:pk>/revert/", history.revert, name="revert"),
]
