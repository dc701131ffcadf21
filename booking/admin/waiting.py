"""The waiting list, to look at and to take people off."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from booking.actions import waiting
from booking.admin.readonly import ReadOnlyAdmin
from booking.errors import BookingError
from booking.models import WaitingEntry


@admin.register(WaitingEntry)
class WaitingEntryAdmin(ReadOnlyAdmin):
    list_display = ["customer", "service", "employee", "persons", "first_day", "last_day", "state", "created_at", "told_at"]
    list_filter = ["state", "service", "employee"]
    list_select_related = ["customer", "service", "employee"]
    search_fields = ["customer__first_name", "customer__last_name", "customer__email"]
    date_hierarchy = "first_day"
    fields = ["customer", "service", "employee", "persons", "first_day", "last_day", "timezone", "language", "state", "attendance", "created_at", "told_at"]
    actions = ["withdraw"]

    @admin.action(description=gettext_lazy("Take off the list"), permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[WaitingEntry]) -> None:
        done = 0
        for entry in queryset:
            try:
                waiting.withdraw(entry=entry)
                done += 1
            except BookingError as error:
                self.message_user(request, f"{entry}: {error}", messages.ERROR)
        if done:
            self.message_user(request, ngettext("%d entry taken off the list.", "%d entries taken off the list.", done) % done)

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_waitingentry")
