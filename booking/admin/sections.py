"""What other apps add to an employee's page and to the list of employees: their admin modules register it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import InlineModelAdmin
from django.http import HttpRequest
from django.utils.functional import Promise

from booking.models import Employee


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part that is only shown. `render` gives its text, SafeString for HTML; it stands inside the page's form, so no form of its own."""

    name: str
    title: str | Promise
    render: Callable[[HttpRequest, Employee], str]


sections: dict[str, Section] = {}
inlines: list[type[InlineModelAdmin[Any, Any]]] = []


# Actions on the list of employees: functions of (model admin, request, queryset).
actions: list[Callable[..., Any]] = []


def register_section(section: Section) -> None:
    sections[section.name] = section


def register_inline(inline: type[InlineModelAdmin[Any, Any]]) -> None:
    """An inline whose model has a foreign key to Employee; see calendar.CalendarInline for one to Calendar."""
    if inline not in inlines:
        inlines.append(inline)


def register_action(action: Callable[..., Any]) -> None:
    if action not in actions:
        actions.append(action)
