"""What other apps add to an employee's page: they register it in ready()."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import InlineModelAdmin
from django.http import HttpRequest

from booking.models import Employee


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part that is only shown. `render` gives its text, SafeString for HTML; it stands inside the page's form, so no form of its own."""

    name: str
    title: str
    render: Callable[[HttpRequest, Employee], str]


sections: dict[str, Section] = {}
inlines: list[type[InlineModelAdmin[Any, Any]]] = []


def register_section(section: Section) -> None:
    sections[section.name] = section


def register_inline(inline: type[InlineModelAdmin[Any, Any]]) -> None:
    """An inline whose model has a foreign key to Employee; see calendar.CalendarInline for one to Calendar."""
    if inline not in inlines:
        inlines.append(inline)
