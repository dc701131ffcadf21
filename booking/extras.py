"""The form of a service's extras: pages, API and addresses name them `extra_<id>` and mean how many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.actions.extras import Chosen
from booking.models import Extra, Service

PREFIX = "extra_"


class Tick(forms.CheckboxInput):
    """One, or none."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return data.get(name)

    def format_value(self, value: Any) -> str:
        return "1"


class ExtrasForm(forms.Form):
    """How many of each. Refuses extras that the service doesn't have (any more), so that nobody gets less than was asked for unnoticed."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, extras: Sequence[Extra]) -> None:
        super().__init__(data)
        self.extras = extras
        for extra in extras:
            single = extra.max_quantity == 1
            self.fields[f"{PREFIX}{extra.pk}"] = forms.IntegerField(
                label=extra.name,
                help_text=extra.description,
                min_value=0,
                max_value=extra.max_quantity,
                required=False,
                widget=Tick(check_test=lambda value: str(value) == "1") if single else forms.NumberInput(attrs={"inputmode": "numeric", "placeholder": "0"}),
                error_messages={
                    "invalid": gettext_lazy("Please enter a number."),
                    "max_value": gettext_lazy("At most %(limit_value)s of it can be booked."),
                    "min_value": gettext_lazy("Please enter a number."),
                },
            )

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or self.cleaned_data
        if any(name not in self.fields and value not in ("", "0") for name, value in self.data.items() if name.startswith(PREFIX)):
            raise forms.ValidationError(_("Something you had added is no longer offered. Please look at the extras again."), code="unknown")
        return typed

    @property
    def chosen(self) -> list[Chosen]:
        """Of a form that is valid."""
        return [Chosen(one, quantity) for one in self.extras if (quantity := self.cleaned_data.get(f"{PREFIX}{one.pk}"))]

    @property
    def rows(self) -> Iterable[tuple[Extra, forms.BoundField]]:
        return [(one, self[f"{PREFIX}{one.pk}"]) for one in self.extras]


def extras_of(service: Service) -> list[Extra]:
    return list(service.extras.filter(is_active=True))


def is_asked(data: Mapping[str, Any]) -> bool:
    """Whether an address says which extras are wanted, be it none."""
    return "extras" in data or any(name.startswith(PREFIX) for name in data)
