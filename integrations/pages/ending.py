"""What ending a connection leaves behind, and what it lets go of."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from booking.models import Busy, Employee
from integrations.local import KINDS
from integrations.models import Account, Outgoing, Pair
from integrations.pages.calendars import item_labels
from integrations.pages.plan import counted
from integrations.words import span


def of(account: Account, employee: Employee) -> dict[str, Any]:
    """`stays`: events of ours that remain there, `opened`: busy times that can be booked again, `waiting`: changes that will not be written."""
    zone = ZoneInfo(employee.calendar.timezone)
    pairs = Pair.objects.filter(link__account=account, state__in=[Pair.State.LIVE, Pair.State.CONFLICT])
    items = list(pairs.order_by("kind", "item_id").values_list("kind", "item_id"))
    labels = item_labels(items)
    of_kind = {kind: [pk for known, pk in items if known == kind] for kind in KINDS}
    times = {(kind, pk): found for kind, ids in of_kind.items() for pk, found in KINDS[kind].times(ids).items()}
    named = sorted((times[item]["start"], f"{labels[item]}, {span(times[item]['start'], times[item]['end'], zone)}") for item in items if item in times)
    rows = Busy.objects.filter(source__link__account=account).order_by("start", "end").values_list("start", "end")
    return {
        "stays": counted([text for _start, text in named]),
        "opened": counted([span(start.isoformat(), end.isoformat(), zone) for start, end in rows]),
        "waiting": Outgoing.objects.filter(link__account=account).count(),
    }
