"""The form for choosing calendars, with what most people want already chosen."""

from __future__ import annotations

from typing import Any

from booking.models import Employee
from integrations import connect, registry
from integrations.models import Account, Link, Plan
from integrations.pages.forms import NEW, ChoiceForm


def can_create(account: Account) -> bool:
    config = registry.providers().get(account.provider)
    return bool(config and config.capabilities.creates_calendars)


def empty(account: Account) -> ChoiceForm:
    return ChoiceForm(None, account=account, can_create=can_create(account))


def context(account: Account, employee: Employee, form: ChoiceForm) -> dict[str, Any]:
    """For integrations/_choice.html."""
    links = list(account.links.filter(calendar=employee.calendar))
    if form.is_bound:
        reads, writes = set(form.data.getlist("reads")), form.data.get("writes", "")  # type: ignore[attr-defined]  # of a request
    elif looked_at := Plan.objects.filter(account=account, calendar=employee.calendar).first():
        reads, writes = set(looked_at.reads), looked_at.writes
    elif links:
        reads = {link.remote_id for link in links if link.reads}
        writes = next((link.remote_id for link in links if link.writes), "")
    else:  # the first time: what most people want
        reads = {one["id"] for one in account.calendars if one["primary"]} or {one["id"] for one in account.calendars[:1]}
        writes = NEW if can_create(account) else ""
    written = Link.objects.filter(calendar=employee.calendar, writes=True).exclude(account=account)
    return {
        "account": account,
        "form": form,
        "reads": reads,
        "writes": writes,
        "can_create": can_create(account),
        "new_name": connect.separate_name(account),
        "elsewhere": written.select_related("account").defer("account__secrets").first(),
    }
