"""The form for a sync rule: every field may be left as the next wider rule has it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.notifications.placeholders import unknown
from integrations.local import KINDS
from integrations.models import Rule
from integrations.rules import Resolved

CHOICES = ("direction", "priority", "on_remote_delete")
FLAGS = ("pending", "attendees", "buffers", "busy", "private", "imports")
NUMBERS = ("max_events", "past_days")
TEXTS = ("title", "description")
HELP = {
    "direction": gettext_lazy("“To the calendar”: what you change there stays there. “From the calendar”: what is changed here stays here."),
    "priority": gettext_lazy("Only when the same field was changed on both sides between two syncs. The value that lost is kept in the history."),
    "on_remote_delete": gettext_lazy("What happens here when you delete one of our events there."),
    "pending": gettext_lazy("Appointments that wait for approval are entered as tentative."),
    "attendees": gettext_lazy("Your customers are entered as attendees. They never see each other."),
    "buffers": gettext_lazy("The event in the calendar then spans the buffers before and after the appointment."),
    "busy": gettext_lazy("Busy times in the calendars that are read can't be booked."),
    "private": gettext_lazy("Private events count as busy too. What they are about is never shown to others."),
    "max_events": gettext_lazy("Of each calendar. Going beyond it is reported, and never opens a time unnoticed."),
    "imports": gettext_lazy(
        "Events that you enter in the calendar become meetings here and stay in step with it. With the direction “from the calendar” they always do."
    ),
    "past_days": gettext_lazy("How far back events are read. Ahead it is as far as customers can book, and 60 days more."),
}
# A field may mean something else for another kind: (label, help).
OF_KIND = {
    ("meeting", "private"): (
        gettext_lazy("Sync private ones"),
        gettext_lazy("Otherwise private meetings stay here and private events there. What they are about is never shown to others."),
    ),
}
FIELDSETS = [
    (gettext_lazy("Which appointments, and how"), ("pending", "attendees", "buffers")),
    (gettext_lazy("Busy times"), ("busy", "max_events", "past_days")),
    (gettext_lazy("Private and other events"), ("private", "imports")),
    (gettext_lazy("Direction and conflicts"), CHOICES),
]


def check_placeholders(text: str, kind: str) -> str:
    """Refuses what would stay unfilled."""
    if names := unknown(text, KINDS[kind].WHERE):
        message = ngettext("There is no placeholder %(names)s for calendars.", "There are no placeholders %(names)s for calendars.", len(names))
        raise forms.ValidationError(message % {"names": ", ".join(names)})
    return text


class RuleForm(forms.ModelForm):
    """For one user and one kind of item. `inherited` is what holds for a field that is left alone."""

    class Meta:
        model = Rule
        fields = [*TEXTS, *CHOICES, *FLAGS, *NUMBERS]
        widgets = {"description": forms.Textarea(attrs={"rows": 5})}

    def __init__(self, *args: Any, inherited: Resolved, **options: Any) -> None:
        super().__init__(*args, **options)
        self.inherited = inherited
        ruled = KINDS[self.instance.kind].RULED
        for name in set(self.fields) - set(ruled):
            del self.fields[name]
        for name in [one for one in CHOICES if one in ruled]:
            self.fields[name] = self._choice(name, [(key, str(label)) for key, label in _column(name).flatchoices])
        for name in [one for one in FLAGS if one in ruled]:
            self.fields[name] = self._choice(name, [("yes", _("yes")), ("no", _("no"))], coerce=lambda value: value == "yes")
            value = getattr(self.instance, name)
            self.initial[name] = "" if value is None else "yes" if value else "no"
        for name in [one for one in NUMBERS if one in ruled]:
            self.fields[name].widget.attrs |= {"placeholder": _as_admin(str(getattr(inherited, name))), "class": "form-control", "inputmode": "numeric"}
            self.fields[name].help_text = HELP[name]
        for name in [one for one in TEXTS if one in ruled]:
            self.fields[name].widget.attrs |= {"class": "form-control", "spellcheck": "false"}
            if getattr(self.instance, name) is None:
                self.initial[name] = getattr(inherited, name)

    def _choice(self, name: str, choices: list[tuple[str, str]], **options: Any) -> forms.TypedChoiceField:
        value = getattr(self.inherited, name)
        key = ("yes" if value else "no") if isinstance(value, bool) else value
        choices = [("", _as_admin(dict(choices)[key])), *choices]
        label, help_text = OF_KIND.get((self.instance.kind, name), (str(_column(name).verbose_name), HELP[name]))
        select = forms.Select(attrs={"class": "form-select"})
        return forms.TypedChoiceField(
            choices=choices, required=False, empty_value=None, label=str(label)[:1].upper() + str(label)[1:], help_text=help_text, widget=select, **options
        )

    @property
    def fieldsets(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """What there is to set beside the texts, in parts; parts without a field are left out."""
        parts = [(legend, [self[name] for name in names if name in self.fields]) for legend, names in FIELDSETS]
        return [part for part in parts if part[1]]

    def clean_title(self) -> str | None:
        """One line. Empty, or the same as the inherited one, means: as the admin has it."""
        title = check_placeholders(" ".join((self.cleaned_data["title"] or "").split()), self.instance.kind)
        return None if title in ("", self.inherited.title) else title

    def clean_description(self) -> str | None:
        """Empty is a wish of its own: no description."""
        description = check_placeholders((self.cleaned_data["description"] or "").replace("\r\n", "\n").strip(), self.instance.kind)
        return None if description == self.inherited.description else description


def _column(name: str) -> Any:
    return Rule._meta.get_field(name)


def _as_admin(value: str) -> str:
    return _("as set by the admin (currently: %(value)s)") % {"value": value}
