"""Small things the templates need: lengths of time and prices in words, fields in our look, the profile's tabs."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxInput, RadioSelect, Select
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking.pages import menu
from booking.pages.zone import write_instant

register = template.Library()


@register.filter
def minutes(value: int) -> str:
    """90 -> "1 h 30 min"; whole days from two days on."""
    days, rest = divmod(int(value), 24 * 60)
    if days >= 2 and not rest:
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    hours, left = divmod(int(value), 60)
    parts = [_("%(hours)d h") % {"hours": hours}] if hours else []
    if left or not hours:
        parts.append(_("%(minutes)d min") % {"minutes": left})
    return " ".join(parts)


@register.filter
def lasting(start: datetime, end: datetime) -> str:
    return minutes((end - start) // timedelta(minutes=1))


@register.filter
def money(value: Decimal) -> str:
    """The price in the shop's currency; nothing to pay is said in words."""
    if not value:
        return _("free of charge")
    text = number_format(value, decimal_pos=0 if value == value.to_integral_value() else 2, use_l10n=True, force_grouping=True)
    return f"{text} {getattr(settings, 'CURRENCY', '€')}"


@register.filter
def instant(value: datetime) -> str:
    """For addresses: 2027-03-01T09:00:00Z."""
    return write_instant(value)


@register.filter
def iso_day(value: date) -> str:
    return value.isoformat()


@register.filter
def is_moment(value: object) -> bool:
    return isinstance(value, datetime)


@register.filter
def tint(value: object) -> int:
    """One of six tints for an initial's circle, always the same for the same name."""
    return hashlib.sha256(str(value).encode()).digest()[0] % 6


@register.filter
def kind_of(field: BoundField) -> str:
    """How the field is laid out: "check", "choices" or "line"."""
    if isinstance(field.field.widget, RadioSelect):
        return "choices"
    return "check" if isinstance(field.field.widget, CheckboxInput) else "line"


@register.filter
def styled(field: BoundField) -> SafeString:
    """The field's widget with Bootstrap's class for it."""
    widget: Any = field.field.widget
    name = {"check": "form-check-input", "choices": ""}.get(kind_of(field), "form-select" if isinstance(widget, Select) else "form-control")
    return field.as_widget(attrs={"class": f"{widget.attrs.get('class', '')} {name}".strip()})


@register.inclusion_tag("booking/_tabs.html", takes_context=True)
def profile_tabs(context: template.Context) -> dict[str, object]:
    request = context["request"]
    return {"tabs": menu.tabs(request.user, request.path)}
