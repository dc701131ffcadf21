"""Who books, and who wishes to be forgotten."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.actions import erasure
from booking.admin.history import HistoryAdmin
from booking.admin.readonly import ReadOnlyAdmin
from booking.errors import WrongState
from booking.models import Customer, ErasureRequest


@admin.register(Customer)
class CustomerAdmin(HistoryAdmin):
    list_display = ["full_name", "email", "phone", "created_at"]
    search_fields = ["first_name", "last_name", "email", "phone"]
    fields = ["first_name", "last_name", "email", "phone", "note", "created_at"]
    readonly_fields = ["created_at"]


@admin.register(ErasureRequest)
class ErasureRequestAdmin(ReadOnlyAdmin):
    list_display = ["customer", "asked_at", "done_at"]
    list_filter = [("done_at", admin.EmptyFieldListFilter)]
    list_select_related = ["customer"]
    actions = ["erase"]

    @admin.action(description=gettext_lazy("Erase the customers' data"), permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[ErasureRequest]) -> HttpResponse | None:
        """Asks first; what can't be done yet says why and stays."""
        waiting = queryset.filter(done_at=None).select_related("customer")
        if "confirmed" not in request.POST:
            context = {**self.admin_site.each_context(request), "title": _("Erase for good?"), "requests": waiting, "opts": self.opts}
            return TemplateResponse(request, "booking/admin/erase.html", context)
        done = 0
        for one in waiting:
            try:
                erasure.erase(one.customer, now=timezone.now())
                done += 1
            except WrongState as error:
                self.message_user(request, f"{one.customer}: {error}", messages.WARNING)
        if done:
            self.message_user(request, ngettext("The data of %d customer has been erased.", "The data of %d customers has been erased.", done) % done)
        return None

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_customer")
