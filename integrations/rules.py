"""The rule that holds for one link: link's own, else the user's, else the default, else what is written here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q

from booking.models import Service
from integrations.contract import Window
from integrations.models import Link, Rule

# What of a calendar is read and counts as busy is said once, by the rules of this kind.
READING = "appointment"
TEXTS = {"event": {"title": "%event_name%", "description": "%event_description%\n%event_url%"}}  # other than in a fresh Resolved
OF_READING = ("busy", "max_events", "past_days")
BEYOND_HORIZON = timedelta(days=60)
LONGEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A rule without gaps; the values here are the defaults of a fresh installation."""

    direction: str = "both"
    priority: str = "ours"
    on_remote_delete: str = "cancel"
    title: str = "%service_name% – %customer_full_name%"
    description: str = "%customer_full_name%\n%customer_phone%\n%customer_email%"
    pending: bool = False
    attendees: bool = False
    buffers: bool = False
    busy: bool = True
    private: bool = True
    max_events: int = 2500
    past_days: int = 30
    imports: bool = False

    @property
    def sends(self) -> bool:
        return self.direction in ("to", "both")

    @property
    def takes(self) -> bool:
        """Whether what others enter in the calendar becomes an item here."""
        return self.direction == "from" or (self.direction == "both" and self.imports)


def resolve(link: Link, kind: str = READING) -> Resolved:
    """Widest first, so that the narrower overwrites; one query."""
    asked = Q(scope="default") | Q(scope="user", user_id=link.account.user_id) | Q(scope="link", link=link)
    order = {"default": 0, "user": 1, "link": 2}
    found = sorted(Rule.objects.filter(asked, kind__in={kind, READING}), key=lambda rule: order[rule.scope])
    resolved = overlay([rule for rule in found if rule.kind == kind], kind)
    if kind == READING:
        return resolved
    reading = overlay([rule for rule in found if rule.kind == READING])
    return replace(resolved, **{name: getattr(reading, name) for name in OF_READING})


def resolve_for_user(user_id: int | None, kind: str = READING) -> tuple[Resolved, Resolved]:
    """What holds for a user's calendars, and what would if the user had set nothing. One query."""
    found = {rule.scope: rule for rule in Rule.objects.filter(Q(scope="default") | Q(scope="user", user_id=user_id), kind=kind)}
    default = [found["default"]] if "default" in found else []
    return overlay([*default, *([found["user"]] if "user" in found else [])], kind), overlay(default, kind)


def concerned(rule: Rule) -> list[Link]:
    """The links that look different when the rule changes."""
    links = Link.objects.select_related("account")
    if rule.scope == Rule.Scope.USER:
        links = links.filter(account__user=rule.user)
    elif rule.scope == Rule.Scope.LINK:
        links = links.filter(rules=rule)
    return list(links)


def overlay(rules: list[Rule], kind: str = READING) -> Resolved:
    """The rules over the defaults, the last one uppermost."""
    values: dict[str, object] = dict(TEXTS.get(kind, {}))
    for rule in rules:
        values |= {field.name: value for field in fields(Resolved) if (value := getattr(rule, field.name)) is not None}
    return Resolved(**values)  # type: ignore[arg-type]


def window(link: Link, rule: Resolved, now: datetime) -> Window:
    """From `past_days` back to the booking horizon + 60 days, at most 24 months."""
    horizon = Service.objects.filter(employees__calendar=link.calendar_id, is_active=True).aggregate(days=Max("horizon"))["days"] or 90
    return Window(now - timedelta(days=rule.past_days), now + min(timedelta(days=horizon) + BEYOND_HORIZON, LONGEST))


def max_age() -> timedelta:
    """How long busy times are trusted after they were read: three polls, or the longest time between two readings, and ten minutes."""
    return timedelta(seconds=max(3 * settings.POLL_SECONDS, settings.SAFETY_POLL_SECONDS)) + timedelta(minutes=10)
