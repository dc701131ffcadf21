"""Events. Everything that touches somebody's time or places goes through the actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy, ngettext

from booking.actions import events, registrations
from booking.admin.appointment_form import REASON
from booking.admin.event_form import EventForm, PeriodForm, PeriodFormSet, RevertForm
from booking.admin.history import HistoryAdmin, is_revert
from booking.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from booking.errors import BookingError
from booking.models import Event, EventPeriod, Registration


class PeriodInline(admin.TabularInline):
    model = EventPeriod
    form = PeriodForm
    formset = PeriodFormSet
    fields = ["begins", "ends", "is_cancelled"]
    extra = 1
    ordering = ["start"]


class RegistrationInline(ReadOnlyInline):
    model = Registration
    fields = ["customer", "places", "status", "notes", "language", "created_at"]
    readonly_fields = ["created_at"]
    ordering = ["status", "created_at"]


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    list_display = ["name", "begins", "organizer", "location", "places", "status"]
    list_filter = ["status", "organizer", "location"]
    list_select_related = ["organizer", "location"]
    search_fields = ["name", "description"]
    history_list_display = ["name", "status", "capacity"]
    actions = ["publish", "cancel", "reinstate"]
    readonly_fields = ["status", "created_at"]

    def get_form(self, request: HttpRequest, obj: Event | None = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change=obj is not None, **{"form": RevertForm if is_revert(request) else EventForm, **options})

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        own = [] if is_revert(request) else ["staff"]
        decision = [] if is_revert(request) or not self.has_change_permission(request, obj) else ["decision"]
        seen = ["seen"] if self.has_change_permission(request, obj) else []
        return [
            (None, {"fields": ["name", "slug", "description", "status", *decision, *seen]}),
            (gettext_lazy("People and place"), {"fields": ["organizer", *own, "location", "timezone"]}),
            (gettext_lazy("Registration"), {"fields": ["capacity", "places_each", "registration_opens", "registration_closes"]}),
            (gettext_lazy("More"), {"fields": ["sync_enabled", "created_at"]}),
        ]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Event | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["name"]}

    def get_inlines(self, request: HttpRequest, obj: Event | None) -> Any:
        return [PeriodInline, RegistrationInline] if obj else [PeriodInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return Event.objects.with_taken().prefetch_related("periods").order_by("-pk")

    @admin.display(description=gettext_lazy("begins"))
    def begins(self, event: Event) -> str:
        periods = event.live_periods or list(event.periods.all())
        return date_format(periods[0].start.astimezone(event.zone), "SHORT_DATETIME_FORMAT") if periods else "–"

    @admin.display(description=gettext_lazy("places"))
    def places(self, event: Event) -> str:
        return f"{event.taken}/{event.capacity}"

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Hands the form on to the formset of the periods, which does the rest."""
        event = form.save(commit=False)
        event._form = form
        return event

    def save_model(self, request: HttpRequest, obj: Event, form: Any, change: bool) -> None:
        """The formset's action has saved it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The same; the log wants to know which row it was."""
        form.instance.pk = formsets[0].instance.pk

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The registrations are only shown."""
        return super().construct_change_message(request, form, formsets[:1], add)

    def delete_model(self, request: HttpRequest, obj: Event) -> None:
        events.delete(event=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        with transaction.atomic():
            for event in queryset:
                events.delete(event=event)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its own rows (periods, staffing) go with it, whoever may delete those by themselves; who has registered is in the way."""
        to_delete, count, _needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, count, set(), protected

    @admin.action(description=gettext_lazy("Publish"), permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        self._each(request, queryset, events.publish)

    @admin.action(description=gettext_lazy("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        self._each(request, queryset, events.cancel)

    @admin.action(description=gettext_lazy("Put back"), permissions=["change"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        self._each(request, queryset, events.reinstate)

    def _each(self, request: HttpRequest, queryset: QuerySet[Event], act: Callable[..., None]) -> None:
        """One by one: what is refused for one doesn't hold up the others."""
        done, now = 0, timezone.now()
        for event in queryset:
            try:
                act(event=event, now=now, reason=REASON)
                done += 1
            except BookingError as error:
                self.message_user(request, f"{event}: {error}", messages.ERROR)
        if done:
            self.message_user(request, ngettext("%d event changed.", "%d events changed.", done) % done)


@admin.register(Registration)
class RegistrationAdmin(ReadOnlyAdmin):
    list_display = ["customer", "event", "places", "status", "created_at"]
    list_filter = ["status", "event"]
    list_select_related = ["customer", "event"]
    search_fields = ["customer__first_name", "customer__last_name", "customer__email", "event__name"]
    fields = ["event", "customer", "places", "status", "notes", "language", "created_at"]
    actions = ["withdraw"]

    @admin.action(description=gettext_lazy("Cancel"), permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        """Gives the places back and tells the customers."""
        done, now = 0, timezone.now()
        for registration in queryset:
            try:
                registrations.withdraw(registration=registration, now=now, reason=REASON)
                done += 1
            except BookingError as error:
                self.message_user(request, f"{registration}: {error}", messages.ERROR)
        if done:
            self.message_user(request, ngettext("%d registration cancelled.", "%d registrations cancelled.", done) % done)

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_registration")
