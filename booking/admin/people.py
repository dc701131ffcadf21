"""Who books, and who wishes to be forgotten."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.actions import erasure
from booking.admin.history import HistoryAdmin
from booking.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from booking.errors import WrongState
from booking.models import Attendance, Customer, ErasureRequest


class BookingInline(ReadOnlyInline):
    """What a customer has booked, the latest first."""

    model = Attendance
    fields = ["appointment", "status", "persons", "price", "no_show"]
    ordering = ["-appointment__start"]
    verbose_name_plural = gettext_lazy("bookings")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attendance]:
        found: QuerySet[Attendance] = super().get_queryset(request)
        return found.select_related("appointment__service", "customer")


@admin.register(Customer)
class CustomerAdmin(HistoryAdmin):
    list_display = ["full_name", "email", "phone", "no_shows", "created_at"]
    search_fields = ["first_name", "last_name", "email", "phone"]
    fields = ["first_name", "last_name", "email", "phone", "note", "no_shows", "created_at"]
    readonly_fields = ["no_shows", "created_at"]

    def get_inlines(self, request: HttpRequest, obj: Customer | None) -> list[type[BookingInline]]:
        return [BookingInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        found: QuerySet[Customer] = super().get_queryset(request)
        return found.annotate(missed=Count("attendances", filter=Q(attendances__no_show=True)))

    @admin.display(description=gettext_lazy("did not come"))
    def no_shows(self, customer: Customer) -> str:
        return str(getattr(customer, "missed", "–"))


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
