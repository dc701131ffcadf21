"""Which texts there are, and which one is used: the shop's own, else ours, in the reader's language or in English."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from booking.models import MailText, Message, Reminder

if TYPE_CHECKING:
    from booking.notifications.placeholders import Where

FALLBACK_LANGUAGE = "en"
Audience, Kind = MailText.Audience, Message.Kind
PENDING, MOVED_PENDING = _("request received"), _("request rescheduled")


@dataclass(frozen=True, slots=True)
class Text:
    """`audience` and `kind` are folder and name of our file. A list is a placeholder that repeats its text for each person."""

    audience: MailText.Audience
    kind: str
    label: str | Promise
    is_list: bool = False

    @property
    def where(self) -> Where:
        """Which placeholders may stand in it."""
        return "guest" if self.is_list else self.audience.value  # type: ignore[return-value]


_OF_APPOINTMENTS: list[tuple[str, str | Promise]] = [
    ("booked", Kind.BOOKED.label),
    ("pending", PENDING),
    ("approved", Kind.APPROVED.label),
    ("rejected", Kind.REJECTED.label),
    ("rescheduled", Kind.RESCHEDULED.label),
    ("rescheduled_pending", MOVED_PENDING),
    ("reassigned", _("given to another employee")),
    ("cancelled", Kind.CANCELLED.label),
    ("reminder", Kind.REMINDER.label),
    ("follow_up", Kind.FOLLOW_UP.label),
]
TEXTS: tuple[Text, ...] = (
    *(Text(Audience.CUSTOMER, *one) for one in _OF_APPOINTMENTS),
    *(Text(Audience.EMPLOYEE, *one) for one in [*_OF_APPOINTMENTS, ("handed_over", pgettext_lazy("to an employee", "no longer yours"))]),
    *(Text(Audience.REGISTRANT, kind.value, kind.label) for kind in (Kind.REGISTERED, Kind.WITHDRAWN, Kind.EVENT_CHANGED, Kind.EVENT_CANCELLED)),
    *(Text(Audience.ORGANIZER, kind.value, kind.label) for kind in (Kind.REGISTERED, Kind.WITHDRAWN)),
    *(Text(audience, "group_appointment_details", _("list of those who come"), is_list=True) for audience in (Audience.CUSTOMER, Audience.EMPLOYEE)),
    Text(Audience.ORGANIZER, "group_event_details", _("list of those who have registered"), is_list=True),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text belongs: what it is for, in which language, and for which reminder (None: for all)."""

    text: Text
    language: str
    reminder: Reminder | None = None

    @property
    def key(self) -> str:
        return "/".join([self.text.audience, self.text.kind, self.language, *([str(self.reminder.pk)] if self.reminder else [])])


def place_of(key: str) -> Place | None:
    """The place a key stands for; None for what is none."""
    audience, kind, language, reminder = [*key.split("/"), "", "", "", ""][:4]
    text = next((one for one in TEXTS if (one.audience, one.kind) == (audience, kind)), None)
    if text is None or language not in dict(settings.LANGUAGES):
        return None
    if not reminder:
        return Place(text, language)
    rule = Reminder.objects.filter(pk=reminder).first() if reminder.isdecimal() else None
    fits = rule is not None and (rule.audience, kind_of(rule)) == (audience, kind)
    return Place(text, language, rule) if fits else None


def place_of_row(row: MailText) -> Place:
    text = next(one for one in TEXTS if (one.audience, one.kind) == (row.audience, row.kind))
    return Place(text, row.language, row.reminder)


def kind_of(reminder: Reminder) -> Message.Kind:
    return Kind.REMINDER if reminder.when == Reminder.When.BEFORE else Kind.FOLLOW_UP


def source(audience: str, kind: str, language: str, reminder: int | None = None) -> str:
    """The text with its placeholders unfilled: subject, empty line, body. Own words go before ours, those of the reminder before those of all."""
    wanted = list(_languages(language))
    own = MailText.objects.filter(Q(reminder=None) | Q(reminder=reminder), audience=audience, kind=kind, language__in=wanted, is_active=True)
    found = {(one.language, one.reminder_id): one for one in own}
    for one in wanted:
        if row := found.get((one, reminder)) or found.get((one, None)):
            return f"{row.subject}\n\n{row.body}" if row.subject else row.body
        try:
            return ours(audience, kind, one)
        except TemplateDoesNotExist:
            continue
    raise TemplateDoesNotExist(f"{audience}/{kind}.txt")


def ours(audience: str, kind: str, language: str) -> str:
    """Our own text; `include` is the only thing Django's engine does in it, and it never sees what a shop has written."""
    return get_template(f"email/{language}/{audience}/{kind}.txt").render({}).strip()


def split(text: str) -> tuple[str, str]:
    """Subject and body."""
    subject, _line, body = text.partition("\n")
    return subject.strip(), body.strip()


def _languages(language: str) -> Iterator[str]:
    yield from dict.fromkeys((language, language.partition("-")[0], FALLBACK_LANGUAGE))
