"""The form of a shop's own questions: pages, API and addresses name them `field_<id>`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.actions import answers
from booking.actions.answers import Given
from booking.api.fields import YEARS
from booking.forms import Line, no_control
from booking.models import CustomField, Upload
from booking.models.question import Kind
from booking.uploads import ACCEPTED, Checked, checked

PREFIX = "field_"
# Beside the name of a file's field: the file that has arrived already, and the wish to do without it.
KEPT, DROPPED = "_kept", "_drop"
FEW = 6  # so many choices are shown at once
MISSING = {"required": gettext_lazy("Please answer this question.")}


class KeptFileInput(forms.FileInput):
    """A file to choose. One that has arrived already stays chosen while the rest of the form is put right."""

    kept: Upload | None = None

    def value_from_datadict(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> tuple[Any, str]:
        return files.get(name), "" if data.get(f"{name}{DROPPED}") else str(data.get(f"{name}{KEPT}") or "")

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Mapping[str, Any], name: str) -> bool:
        return name not in files and f"{name}{KEPT}" not in data

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        field = super().render(name, None, attrs, renderer)
        if self.kept is None:
            return field
        drop = (
            ""
            if self.is_required
            else format_html(
                '<label class="form-check-label"><input class="form-check-input" type="checkbox" name="{}{}" value="1"> {}</label>',
                name,
                DROPPED,
                _("leave it out"),
            )
        )
        told = _("“%(name)s” has arrived. Choose a file only to send another one.") % {"name": self.kept.name}
        return format_html(
            '<div class="kept-file"><i class="bi bi-paperclip" aria-hidden="true"></i> {} {}<input type="hidden" name="{}{}" value="{}"></div>{}',
            told, drop, name, KEPT, self.kept.uuid, field,
        )  # fmt: skip


class AttachmentField(forms.Field):
    """A file, looked into; or the one that has arrived before. Cleaned it is Checked, Upload or None."""

    widget = KeptFileInput

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"accept": ACCEPTED}

    def clean(self, value: tuple[Any, str]) -> Checked | Upload | None:
        sent, kept = value
        self.widget.kept = found = _upload(kept)
        if sent is not None:
            return checked(sent)
        if found is None and kept:
            raise forms.ValidationError(_("This file is no longer here. Please choose it again."), code="gone")
        if found is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True


class DayField(forms.DateField):
    """As <input type="date"> sends it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    input_formats = ["%Y-%m-%d"]

    def to_python(self, value: Any) -> date | None:
        day = super().to_python(value)
        if day is not None and day.year not in YEARS_OF_LIFE:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return day


# Also birthdays are asked for.
YEARS_OF_LIFE = range(1880, YEARS.stop)


class QuestionsForm(forms.Form):
    """The questions of a service, in their order."""

    def __init__(self, data: Any = None, files: Any = None, *, asked: Sequence[CustomField], given: QueryDict | None = None) -> None:
        """`given`: what is to stand there at first, by the same names."""
        super().__init__(data, files)
        self.asked = asked
        for one in asked:
            self.fields[name_of(one)] = field = field_for(one)
            if given is not None and name_of(one) in given:
                self.initial[name_of(one)] = given.getlist(name_of(one)) if one.kind == Kind.CHOICES else given[name_of(one)]
            if given is not None and isinstance(field, AttachmentField):
                field.widget.kept = _upload(given.get(f"{name_of(one)}{KEPT}", ""))

    def keep_files(self) -> None:
        """Those that have arrived and are what they say, whatever else is wrong: nobody has to send them twice. Raises TooMany."""
        for one in self.asked:
            value = self.cleaned_data.get(name_of(one))
            if isinstance(value, Checked):
                self.cleaned_data[name_of(one)] = self.fields[name_of(one)].widget.kept = answers.keep(value)

    @property
    def given(self) -> list[Given]:
        """The answers of a form that is valid and whose files are kept."""
        found = []
        for one in self.asked:
            value = self.cleaned_data[name_of(one)]
            if value not in (None, "", [], False):
                found.append(Given(one, _as_kept(value), value if isinstance(value, Upload) else None))
        return found

    @property
    def typed(self) -> dict[str, list[str]]:
        """All that was typed and sent, by name, so that another form can begin with it."""
        kept: dict[str, list[str]] = {}
        for one in self.asked:
            name, field = name_of(one), self.fields[name_of(one)]
            if isinstance(field, AttachmentField):
                if (upload := field.widget.kept) is not None:
                    kept[f"{name}{KEPT}"] = [str(upload.uuid)]
            elif one.kind == Kind.CHOICES:
                kept[name] = [str(value) for value in self[name].value() or []]
            elif value := self[name].value():
                kept[name] = [str(value)]
        return kept

    @property
    def fingerprint(self) -> list[tuple[int, str, str]]:
        """Tells whether two forms that are valid answer the same, also when a file was sent twice."""
        return [(one.field.pk, one.value, one.upload.digest if one.upload else "") for one in self.given]


def name_of(field: CustomField) -> str:
    return f"{PREFIX}{field.pk}"


def field_for(one: CustomField) -> forms.Field:
    common: dict[str, Any] = {"label": one.label, "help_text": one.help, "required": one.required, "error_messages": MISSING}
    options = [(option, option) for option in one.options]
    tick = {"class": "form-check-input"}
    match one.kind:
        case Kind.LONG:
            return forms.CharField(max_length=4000, validators=[no_control], widget=forms.Textarea(attrs={"rows": 3}), **common)
        case Kind.CHOICE if len(options) <= FEW:
            # A radio button can't be taken back by itself.
            none = [] if one.required else [("", _("no answer"))]
            return forms.ChoiceField(choices=[*options, *none], widget=forms.RadioSelect(attrs=tick), **common)
        case Kind.CHOICE:
            return forms.ChoiceField(choices=[("", "—"), *options], **common)
        case Kind.CHOICES:
            return forms.MultipleChoiceField(choices=options, widget=forms.CheckboxSelectMultiple(attrs=tick), **common)
        case Kind.CHECK:
            return forms.BooleanField(**common)
        case Kind.DATE:
            return DayField(**{**common, "error_messages": {**MISSING, "invalid": _("Please enter a date.")}})
        case Kind.FILE:
            return AttachmentField(**common)
    return Line(max_length=500, **common)


def _as_kept(value: Any) -> str:
    if isinstance(value, bool):
        return "1"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Upload):
        return value.name
    return "\n".join(value) if isinstance(value, list) else str(value).replace("\r\n", "\n").replace("\r", "\n")


def _upload(text: str) -> Upload | None:
    try:
        uuid = UUID(text)
    except ValueError:
        return None
    return Upload.objects.filter(uuid=uuid).first()
