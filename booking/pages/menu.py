"""What other apps add to the profile: tabs, and sections on the page of an appointment or of another item. They register in their `ready()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise

User = AbstractBaseUser | AnonymousUser


def _everybody(user: User) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of the profile. `url_name` takes no arguments; `icon` is a name of Bootstrap Icons; `visible` is asked per user."""

    label: str | Promise
    url_name: str
    icon: str = "circle"
    position: int = 50
    visible: Callable[[User], bool] = _everybody


# What a section's template is given: (request, item) -> context, or None to leave it out.
SectionContext = Callable[[HttpRequest, Model], dict[str, object] | None]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page of an item (an appointment, a meeting) in the profile."""

    template: str
    context: SectionContext
    position: int = 50


_tabs: dict[str, Tab] = {}
_sections: dict[str, Section] = {}


def register(tab: Tab) -> None:
    """Adds the tab, or replaces the one with the same url_name."""
    _tabs[tab.url_name] = tab


def register_section(section: Section) -> None:
    _sections[section.template] = section


def tabs(user: User, path: str) -> list[dict[str, object]]:
    """The tabs the user may see; the current one is the longest address that `path` begins with."""
    seen = sorted((tab for tab in _tabs.values() if tab.visible(user)), key=lambda tab: tab.position)
    rows = [(tab, reverse(tab.url_name)) for tab in seen]
    current = max((url for _, url in rows if path.startswith(url)), key=len, default="")
    return [{"label": tab.label, "icon": tab.icon, "url": url, "current": url == current} for tab, url in rows]


def sections(request: HttpRequest, item: Model) -> list[tuple[str, dict[str, object]]]:
    """(template, context) of each section that has something to say."""
    asked = [(one.template, one.context(request, item)) for one in sorted(_sections.values(), key=lambda one: one.position)]
    return [(template, context) for template, context in asked if context is not None]
