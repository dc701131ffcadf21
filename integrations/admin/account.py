"""Accounts and linked calendars: how they are, test again, disconnect. They are connected and chosen on the profile's pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from booking.admin.readonly import ReadOnlyAdmin
from integrations import connect
from integrations.models import Account, Link
from integrations.pages import health
from integrations.told import told


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """The fields are named one by one: `secrets` is never read, let alone shown."""

    list_display = ["__str__", "user", "provider", "state", "last_ok_at", "what_is_wrong"]
    list_filter = ["state", "provider"]
    list_select_related = ["user"]
    search_fields = ["identity", "username", "user__username", "user__email"]
    fields = [
        "user",
        "provider",
        "identity",
        "server",
        "username",
        "state",
        "what_is_wrong",
        "next_step",
        "checked_at",
        "last_ok_at",
        "paused_until",
        "created_at",
    ]
    readonly_fields = ["what_is_wrong", "next_step"]
    actions = ["check_again", "disconnect"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).defer("secrets")

    @admin.display(description=_("problem"))
    def what_is_wrong(self, account: Any) -> str:
        return told(account.problem)

    @admin.display(description=_("next step"))
    def next_step(self, account: Any) -> str:
        return told(account.hint)

    @admin.action(description=_("Test the connection again"), permissions=["act"])
    def check_again(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            connect.check_again(account)
        self.message_user(request, ngettext("%d connection is being tested.", "%d connections are being tested.", len(queryset)) % len(queryset))

    @admin.action(description=_("Disconnect: forget password and links; events stay in the calendar"), permissions=["act"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            connect.disconnect_later(account)
        self.message_user(request, ngettext("%d account is being disconnected.", "%d accounts are being disconnected.", len(queryset)) % len(queryset))

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrations.change_account")


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    """Of what can't be read only the number: its ids and reasons are for the owner."""

    list_display = ["remote_name", "calendar", "account", "reads", "writes", "state", "pulled_at", "told_until", "truncated"]
    list_filter = ["state", "reads", "writes", "truncated"]
    list_select_related = ["calendar", "account"]
    search_fields = ["remote_name", "calendar__name"]
    fields = [
        "account",
        "calendar",
        "remote_name",
        "reads",
        "writes",
        "honour",
        "state",
        "what_is_wrong",
        "truncated",
        "unreadable",
        "pulled_at",
        "listed_at",
        "next_pull_at",
        "told_until",
        "news",
    ]
    readonly_fields = ["what_is_wrong", "unreadable", "told_until", "news"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Link]:
        return super().get_queryset(request).defer("account__secrets").prefetch_related(health.told_by())

    @admin.display(description=_("told of changes until"))
    def told_until(self, link: Any) -> datetime | None:
        return next((one.expires_at for one in link.told_by if one.lives(timezone.now())), None)

    @admin.display(description=_("changes there"))
    def news(self, link: Any) -> str:
        return health.news(link, timezone.now(), timezone.get_current_timezone())

    @admin.display(description=_("problem"))
    def what_is_wrong(self, link: Any) -> str:
        return told(link.problem)

    @admin.display(description=_("events that can't be read"))
    def unreadable(self, link: Any) -> int:
        return len(link.quarantine)
