"""The outbox towards calendars: what waits, what was given up and why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from booking.admin.readonly import ReadOnlyAdmin
from integrations import answers
from integrations.models import Outgoing
from integrations.told import told


@admin.register(Outgoing)
class OutgoingAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "link", "kind", "item_id", "state", "attempts", "not_before", "what_is_wrong"]
    list_filter = ["state", "kind"]
    list_select_related = ["link"]
    actions = ["try_again"]

    @admin.display(description=_("error"))
    def what_is_wrong(self, row: Any) -> str:
        return told(row.error)

    @admin.action(description=_("Try again"), permissions=["act"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Outgoing]) -> None:
        for row in queryset:
            answers.try_again(row)
        self.message_user(request, ngettext("%d change is being tried again.", "%d changes are being tried again.", len(queryset)) % len(queryset))

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrations.change_outgoing")
