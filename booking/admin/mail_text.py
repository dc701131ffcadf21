"""The texts of the mails: an overview of all of them, and the page on which the shop writes its own, with placeholders, preview and trial beside it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from booking.admin.history import HistoryAdmin, is_revert
from booking.models import Attendance, MailText, Registration, Reminder
from booking.notifications import preview as previews
from booking.notifications import texts
from booking.notifications.placeholders import allowed_in
from booking.notifications.proofreading import mistakes
from booking.notifications.texts import Place, Text

NEWEST = 20  # bookings to choose from for the preview
OF_EVENTS = (MailText.Audience.REGISTRANT, MailText.Audience.ORGANIZER)
GROUPS = [
    (MailText.Audience.CUSTOMER, gettext_lazy("To customers")),
    (MailText.Audience.EMPLOYEE, gettext_lazy("To employees")),
    (MailText.Audience.REGISTRANT, gettext_lazy("To those who register for an event")),
    (MailText.Audience.ORGANIZER, gettext_lazy("To organisers of events")),
]


class MailTextForm(forms.ModelForm):
    """`of` is where the text belongs (texts.Place.key); what is there already keeps its place."""

    of = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = MailText
        fields = ["subject", "body", "is_active"]
        widgets = {"subject": forms.TextInput(attrs={"class": "vLargeTextField"}), "body": forms.Textarea(attrs={"rows": 18, "class": "vLargeTextField"})}

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        place = texts.place_of_row(self.instance) if self.instance.pk else texts.place_of(typed.get("of", ""))
        if place is None:
            raise forms.ValidationError(_("It isn't known what this text is for. Please choose it in the list of texts."))
        instance = self.instance
        instance.audience, instance.kind, instance.language, instance.reminder = place.text.audience, place.text.kind, place.language, place.reminder
        if _row(place).exclude(pk=instance.pk).exists():
            raise forms.ValidationError(_("Somebody has written this text meanwhile. Yours is below; please look at theirs before you save it."))
        for name, message in typed_mistakes(place.text, typed.get("subject", ""), typed.get("body", "")):
            self.add_error(name, message)
        return typed

    def clean_subject(self) -> str:
        return " ".join(self.cleaned_data["subject"].split())

    def clean_body(self) -> str:
        return str(self.cleaned_data["body"]).replace("\r\n", "\n").strip()


def typed_mistakes(text: Text, subject: str, body: str) -> list[tuple[str, str]]:
    """(field, what is wrong)."""
    found = [("body", one) for one in mistakes(text, body, marks=not text.is_list)]
    if text.is_list:
        return found
    if not subject:
        found.append(("subject", _("A mail needs a subject.")))
    return [*(("subject", one) for one in mistakes(text, subject, marks=False)), *found]


@admin.register(MailText)
class MailTextAdmin(HistoryAdmin):
    form = MailTextForm
    change_form_template = "booking/admin/mail_text.html"
    history_list_display = ["subject", "is_active"]

    class Media:
        css = {"all": ["mail_text.css"]}
        js = ["vendor/htmx/htmx.min.js", "placeholders.js"]

    def get_fields(self, request: HttpRequest, obj: MailText | None = None) -> list[str]:
        place = texts.place_of_row(obj) if obj else texts.place_of(request.GET.get("of", ""))
        own = ["subject", "body", "is_active"][1 if place and place.text.is_list else 0 :]
        return own if obj else [*own, "of"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new text begins as ours."""
        place = texts.place_of(request.GET.get("of", ""))
        assert place is not None  # add_view has seen to it
        subject, body = _ours(place)
        return {"of": place.key, "subject": subject, "body": body}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own: list[URLPattern] = [
            path("preview/", view(require_POST(self.preview)), name="booking_mailtext_preview"),
            path("trial/", view(require_POST(self.trial)), name="booking_mailtext_trial"),
            path("<int:pk>/ours/", view(require_POST(self.use_ours)), name="booking_mailtext_ours"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """All texts there are, whether somebody has written an own one or not."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = {texts.place_of_row(row).key: row for row in MailText.objects.select_related("reminder")}
        groups = []
        for audience, title in GROUPS:
            of_all = [(text.label, [Place(text, code) for code, _name in settings.LANGUAGES]) for text in texts.TEXTS if text.audience == audience]
            of_reminders = [
                (str(rule), [Place(text, code, rule) for code, _name in settings.LANGUAGES])
                for rule in Reminder.objects.filter(audience=str(audience))
                for text in texts.TEXTS
                if (text.audience, text.kind) == (audience, texts.kind_of(rule))
            ]
            lines = [(label, [self._cell(place, rows.get(place.key)) for place in places]) for label, places in [*of_all, *of_reminders]]
            groups.append((title, lines))
        context = {**self.admin_site.each_context(request), "title": _("Texts of mails"), "opts": self.opts, "groups": groups, "languages": settings.LANGUAGES}
        return TemplateResponse(request, "booking/admin/mail_texts.html", context)

    def _cell(self, place: Place, row: MailText | None) -> tuple[str, str]:
        """(address, state): where this text is edited."""
        if row is None:
            return reverse("admin:booking_mailtext_add", query={"of": place.key}), "ours"
        return reverse("admin:booking_mailtext_change", args=[row.pk]), "own" if row.is_active else "off"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        place = texts.place_of(request.GET.get("of") or request.POST.get("of", ""))
        if place is None:
            return redirect("admin:booking_mailtext_changelist")
        if request.method == "GET" and (row := _row(place).first()):
            return redirect("admin:booking_mailtext_change", row.pk)
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        row = MailText.objects.select_related("reminder").filter(pk=object_id).first() if object_id and object_id.isdecimal() else None
        place = texts.place_of_row(row) if row else texts.place_of(request.GET.get("of") or request.POST.get("of", ""))
        if place is not None and not is_revert(request):
            subject, body = _ours(place)
            shown = {"subject": request.POST.get("subject"), "body": request.POST.get("body")} if request.method == "POST" else {}
            written = texts.split(_source_of(place)) if row is None else (row.subject, row.body)
            typed = (shown.get("subject") or written[0], shown.get("body") or written[1])
            extra_context = (extra_context or {}) | {
                "place": place,
                "title": _title(place),
                "subtitle": None,
                "show_save_and_add_another": False,
                "placeholders": [(group, list(found)) for group, found in groupby(allowed_in(place.text.where), key=lambda one: str(one.group))],
                "ours": {"subject": subject, "body": body},
                "bookings": [(one.pk, _label(one)) for one in self._bookings(request, place)],
                "trial_address": request.user.email,  # type: ignore[union-attr]
                "shown": self._shown(request, place, *typed),
            }
        return _with_mail_style(super().changeform_view)(request, object_id, form_url, extra_context)

    def preview(self, request: HttpRequest) -> HttpResponse:
        """What is typed, filled in; saves nothing."""
        place = self._place(request)
        shown = self._shown(request, place, request.POST.get("subject", ""), request.POST.get("body", ""))
        response: HttpResponse = _with_mail_style(render)(request, "booking/admin/_mail_preview.html", {"shown": shown})
        return response

    def trial(self, request: HttpRequest) -> HttpResponse:
        """What is typed, sent to one address."""
        place, address = self._place(request), request.POST.get("trial_address", "").strip()
        subject, body = " ".join(request.POST.get("subject", "").split()), request.POST.get("body", "")
        try:
            validate_email(address)
            if wrong := typed_mistakes(place.text, subject, body):
                raise forms.ValidationError([message for _name, message in wrong])
            previews.send_on_trial(place, f"{subject}\n\n{body}" if not place.text.is_list else body, address, self._booking(request, place))
        except forms.ValidationError as error:
            told, ok = " ".join(error.messages), False
        except OSError as error:
            told, ok = _("The mail could not be sent: %(error)s") % {"error": error}, False
        else:
            told, ok = _("Sent to %(address)s.") % {"address": address}, True
        return render(request, "booking/admin/_mail_trial.html", {"told": told, "ok": ok})

    def use_ours(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = get_object_or_404(MailText, pk=pk)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        row.is_active = False
        row.save()
        self.message_user(request, _("Our text is used again. Yours is kept, switched off."), messages.SUCCESS)
        return redirect("admin:booking_mailtext_change", pk)

    def _place(self, request: HttpRequest) -> Place:
        place = texts.place_of(request.POST.get("place", ""))
        if place is None or not (self.has_change_permission(request) or self.has_add_permission(request)):
            raise PermissionDenied
        return place

    def _shown(self, request: HttpRequest, place: Place, subject: str, body: str) -> dict[str, Any]:
        """For the template: the filled text, or why it can't be."""
        wrong = [message for _name, message in typed_mistakes(place.text, " ".join(subject.split()), body)]
        try:
            source = body if place.text.is_list else f"{' '.join(subject.split())}\n\n{body}"
            return {"filled": previews.preview(place, source, self._booking(request, place)), "wrong": wrong}
        except ValueError:  # no subject: said above
            return {"filled": None, "wrong": wrong}

    def _bookings(self, request: HttpRequest, place: Place) -> QuerySet[Attendance] | QuerySet[Registration]:
        """The newest that the text could be about, for those who may see them."""
        of_event = place.text.audience in OF_EVENTS
        if place.text.is_list or not request.user.has_perm(f"booking.view_{'registration' if of_event else 'attendance'}"):
            return Attendance.objects.none()
        if of_event:
            return Registration.objects.select_related("customer", "event__organizer__calendar", "event__location").order_by("-pk")[:NEWEST]
        return Attendance.objects.select_related("customer", "appointment__service__category", "appointment__location").order_by("-pk")[:NEWEST]

    def _booking(self, request: HttpRequest, place: Place) -> Attendance | Registration | None:
        wanted = request.POST.get("about", "")
        return next((one for one in self._bookings(request, place) if str(one.pk) == wanted), None) if wanted else None


def _with_mail_style(view: Callable[..., Any]) -> Callable[..., Any]:
    """The mail in the preview brings its own style, and the policy of the page around it reaches into it."""
    wrapped: Callable[..., Any] = csp_update({"style-src": [previews.style_hash()]})(view)
    return wrapped


def _row(place: Place) -> QuerySet[MailText]:
    return MailText.objects.filter(audience=place.text.audience, kind=place.text.kind, language=place.language, reminder=place.reminder)


def _ours(place: Place) -> tuple[str, str]:
    written = texts.ours(place.text.audience, place.text.kind, place.language)
    return ("", written) if place.text.is_list else texts.split(written)


def _source_of(place: Place) -> str:
    written = texts.ours(place.text.audience, place.text.kind, place.language)
    return f"\n{written}" if place.text.is_list else written


def _title(place: Place) -> str:
    what = str(place.reminder) if place.reminder else f"{dict(GROUPS)[place.text.audience]}: {place.text.label}"
    return f"{what} – {dict(settings.LANGUAGES)[place.language]}"


def _label(one: Attendance | Registration) -> str:
    about = one.appointment if isinstance(one, Attendance) else one.event
    return f"{one.customer} · {about}"
