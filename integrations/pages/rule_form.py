"""The form for a sync rule: every field may be left as the next wider rule has it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from booking.notifications.placeholders import unknown
from integrations.models import Rule
from integrations.rules import Resolved

CHOICES = ("direction", "priority", "on_remote_delete")
FLAGS = ("pending", "attendees", "buffers", "busy", "private")
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
    "past_days": gettext_lazy("How far back events are read. Ahead it is as far as customers can book, and 60 days more."),
}


def check_placeholders(text: str) -> str:
    """Refuses what would stay unfilled."""
    if names := unknown(text, "calendar"):
        message = ngettext("There is no placeholder %(names)s for calendars.", "There are no placeholders %(names)s for calendars.", len(names))
        raise forms.ValidationError(message % {"names": ", ".join(names)})
    return text


class RuleForm(forms.ModelForm):
    """For one user. `inherited` is what holds for a field that is left alone."""

    class Meta:
        model = Rule
        fields = [*TEXTS, *CHOICES, *FLAGS, *NUMBERS]
        widgets = {"description": forms.Textarea(attrs={"rows": 5})}

    def __init__(self, *args: Any, inherited: Resolved, **options: Any) -> None:
        super().__init__(*args, **options)
        self.inherited = inherited
        for name in CHOICES:
            self.fields[name] = self._choice(name, [(key, str(label)) for key, label in _column(name).flatchoices])
        for name in FLAGS:
            self.fields[name] = self._choice(name, [("yes", _("yes")), ("no", _("no"))], coerce=lambda value: value == "yes")
            value = getattr(self.instance, name)
            self.initial[name] = "" if value is None else "yes" if value else "no"
        for name in NUMBERS:
            self.fields[name].widget.attrs |= {"placeholder": _as_admin(str(getattr(inherited, name))), "class": "form-control", "inputmode": "numeric"}
            self.fields[name].help_text = HELP[name]
        for name in TEXTS:
            self.fields[name].widget.attrs |= {"class": "form-control", "spellcheck": "false"}
            if getattr(self.instance, name) is None:
                self.initial[name] = getattr(inherited, name)

    def _choice(self, name: str, choices: list[tuple[str, str]], **options: Any) -> forms.TypedChoiceField:
        value = getattr(self.inherited, name)
        key = ("yes" if value else "no") if isinstance(value, bool) else value
        choices = [("", _as_admin(dict(choices)[key])), *choices]
        label = str(_column(name).verbose_name)
        select = forms.Select(attrs={"class": "form-select"})
        return forms.TypedChoiceField(
            choices=choices, required=False, empty_value=None, label=label[:1].upper() + label[1:], help_text=HELP[name], widget=select, **options
        )

    def clean_title(self) -> str | None:
        """One line. Empty, or the same as the inherited one, means: as the admin has it."""
        title = check_placeholders(" ".join((self.cleaned_data["title"] or "").split()))
        return None if title in ("", self.inherited.title) else title

    def clean_description(self) -> str | None:
        """Empty is a wish of its own: no description."""
        description = check_placeholders((self.cleaned_data["description"] or "").replace("\r\n", "\n").strip())
        return None if description == self.inherited.description else description


def _column(name: str) -> Any:
    return Rule._meta.get_field(name)


def _as_admin(value: str) -> str:
    return _("as set by the admin (currently: %(value)s)") % {"value": value}
