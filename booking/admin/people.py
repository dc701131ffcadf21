"""Who books."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from booking.admin.history import HistoryAdmin
from booking.admin.readonly import ReadOnlyInline
from booking.models import Attendance, Customer


class BookingInline(ReadOnlyInline):
    """What a customer has booked, the latest first."""

    model = Attendance
    fields = ["appointment", "status", "persons", "price", "no_show"]
    ordering = ["-appointment__start"]
    verbose_name_plural = _("bookings")

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

    @admin.display(description=_("did not come"))
    def no_shows(self, customer: Customer) -> str:
        return str(getattr(customer, "missed", "–"))
