"""Forms that make and change events by actions.

The action is the last step of validating, as in appointment_form: so what it refuses is shown with all that was typed still there. It needs
the periods too; that is why it runs in their formset, which is validated after the form.
"""

from __future__ import annotations

from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.db import transaction
from django.forms.formsets import DELETION_FIELD_NAME
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.actions import events
from booking.admin.appointment_form import REASON, ActionForm
from booking.errors import BookingError
from booking.forms import WallTime, instant_of, wall_of
from booking.models import Employee, Event, EventPeriod

DECISIONS = {"publish": gettext_lazy("publish"), "cancel": gettext_lazy("cancel"), "reinstate": gettext_lazy("put back")}
ALLOWED = {Event.Status.DRAFT: ["publish"], Event.Status.PUBLISHED: ["cancel"], Event.Status.CANCELLED: ["reinstate"]}
FIELDS = ["name", "slug", "description", "organizer", "location", "timezone", "capacity", "places_each", "sync_enabled"]
MOMENTS = ["registration_opens", "registration_closes"]
THERE = gettext_lazy("By the clock where the event takes place.")


class EventForm(forms.ModelForm):
    """What the event itself is. Times are typed by the clock of its own zone; when only the zone changes, the clock's time stays."""

    staff = forms.ModelMultipleChoiceField(
        Employee.objects.all(),
        required=False,
        label=gettext_lazy("staff"),
        widget=AutocompleteSelectMultiple(Event._meta.get_field("staff"), admin.site),
    )
    registration_opens = WallTime(label=gettext_lazy("registration opens"), required=False, help_text=THERE)
    registration_closes = WallTime(
        label=gettext_lazy("registration closes"), required=False, help_text=gettext_lazy("Empty: when the event begins. By the clock there.")
    )
    decision = forms.ChoiceField(label=gettext_lazy("decision"), required=False)
    # What the page showed: whoever saves an old page must not undo what happened meanwhile.
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Event
        fields = FIELDS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.present = Event.objects.filter(pk=self.instance.pk).first() if self.instance.pk else None
        if "seen" not in self.fields:  # shown to somebody who may only look
            return
        status = self.present.status if self.present else Event.Status.DRAFT
        for name in MOMENTS:
            if moment := getattr(self.instance, name):
                self.initial[name] = wall_of(moment, self.instance.zone)
        if "decision" in self.fields:
            choices = [("", "—"), *((name, DECISIONS[name]) for name in ALLOWED[Event.Status(status)])]
            cast(forms.ChoiceField, self.fields["decision"]).choices = choices
        if self.present:
            self.initial["seen"] = state(self.present)
            self.initial["staff"] = list(self.present.staff.values_list("pk", flat=True))

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk and (self.present is None or typed.get("seen") != state(self.present)):
            raise forms.ValidationError(_("Somebody has changed this event meanwhile. Your changes are below; please look at it anew before you save them."))
        for name in MOMENTS:
            if not (wall := typed.get(name)) or not (zone := zone_of(typed)):
                continue
            kept = getattr(self.present, name) if self.present and self.keeps_zone() and name not in self.changed_data else None
            try:
                typed[name] = kept or instant_of(wall, zone)
            except forms.ValidationError as error:
                self.add_error(name, error)
        opens, closes = typed.get("registration_opens"), typed.get("registration_closes")
        if opens and closes and closes <= opens:
            self.add_error("registration_closes", _("Registration must close after it opens."))
        return typed

    def keeps_zone(self) -> bool:
        return self.present is not None and self.cleaned_data.get("timezone") == self.present.timezone

    def values(self) -> dict[str, Any]:
        """What differs from the present, for the action."""
        typed = {name: self.cleaned_data[name] for name in [*FIELDS, *MOMENTS]}
        if self.present is None:
            return typed
        return {name: value for name, value in typed.items() if getattr(self.present, name) != value}


class RevertForm(ActionForm, EventForm):
    """Takes the event back to a version: by the same action, which leaves periods, staff and status alone."""

    staff = None  # type: ignore[assignment]
    decision = None  # type: ignore[assignment]

    def act(self) -> None:
        assert self.present is not None  # clean() has seen to it
        if values := self.values():
            events.change(event=self.present, fields=values, now=timezone.now(), reason=REASON)


class PeriodForm(forms.ModelForm):
    """Its fields are not named like the model's, which are instants."""

    begins = WallTime(label=gettext_lazy("start"), help_text=THERE)
    ends = WallTime(label=gettext_lazy("end"))

    class Meta:
        model = EventPeriod
        fields = ["is_cancelled"]

    def __init__(self, *args: Any, zone: ZoneInfo | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk and zone:
            self.initial.update(begins=wall_of(self.instance.start, zone), ends=wall_of(self.instance.end, zone))

    def span(self, zone: ZoneInfo, *, same_zone: bool) -> events.Span:
        """Raises ValidationError for a time that the clock skips there."""
        known, typed = self.instance.pk is not None and same_zone, self.cleaned_data
        start, end = (
            kept if known and name not in self.changed_data else instant_of(typed[name], zone)
            for name, kept in (("begins", self.instance.start), ("ends", self.instance.end))
        )
        return events.Span(start, end, self.instance.pk, typed["is_cancelled"])


class PeriodFormSet(forms.BaseInlineFormSet):
    """All periods of one event; the last to be validated, and so what calls the action."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "zone": self.instance.zone if self.instance.pk else None}

    def clean(self) -> None:
        super().clean()
        form: EventForm | None = getattr(self.instance, "_form", None)
        if form is None or any(self.errors):  # what was typed above, or in a row, is wrong: said there
            return
        zone, same_zone = ZoneInfo(form.cleaned_data["timezone"]), form.keeps_zone()
        spans = []
        for row in self.forms:
            if not row.cleaned_data.get(DELETION_FIELD_NAME) and (row.has_changed() or row.instance.pk):
                try:
                    spans.append(cast(PeriodForm, row).span(zone, same_zone=same_zone))
                except forms.ValidationError as error:
                    row.add_error("begins", error)
        if any(self.errors):
            return
        try:
            with transaction.atomic():
                self.instance = save(form, spans)
        except BookingError as error:
            raise forms.ValidationError(str(error)) from error
        # The admin's log asks for these.
        known = [row.instance.pk for row in self.forms if row.instance.pk]
        self.new_objects = list(self.instance.periods.exclude(pk__in=known))
        self.changed_objects = [(row.instance, row.changed_data) for row in self.forms if row.instance.pk and row.has_changed()]
        self.deleted_objects: list[Any] = []


def save(form: EventForm, spans: list[events.Span]) -> Event:
    """Does whatever differs from the present, and what was decided."""
    typed, now, event = form.cleaned_data, timezone.now(), form.present
    decision, staff = typed["decision"], typed["staff"]
    if event is None:
        event = events.create(fields=form.values(), staff=staff, periods=spans, now=now)
    else:
        if decision == "reinstate":
            events.reinstate(event=event, now=now, reason=REASON)
        known = {events.Span(one.start, one.end, one.pk, one.is_cancelled) for one in event.periods.all()}
        people = {one.pk for one in staff} != set(event.staff.values_list("pk", flat=True))
        changes: dict[str, Any] = {"fields": form.values()} if form.values() else {}
        changes |= {"staff": staff} if people else {}
        changes |= {"periods": spans} if set(spans) != known else {}
        if changes:
            events.change(event=event, now=now, reason=REASON, **changes)
    if decision == "publish":
        events.publish(event=event, now=now, reason=REASON)
    elif decision == "cancel":
        events.cancel(event=event, now=now, reason=REASON)
    return event


def zone_of(typed: dict[str, Any]) -> ZoneInfo | None:
    name = typed.get("timezone", settings.TIME_ZONE)
    return ZoneInfo(name) if name else None


def state(event: Event) -> str:
    """Tells apart any two states that a person may have looked at."""
    version = event.history.values_list("pk", flat=True).first()
    period = EventPeriod.history.filter(event_id=event.pk).order_by("-history_id").values_list("history_id", flat=True).first()
    staff = list(event.staffings.order_by("employee_id").values_list("employee_id", flat=True))
    return f"{event.pk}:{version}:{period}:{staff}"
