"""The "Calendars" tab: accounts, what is read and written, how they are, and what waits for the owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Prefetch, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from booking.errors import BookingError
from booking.models import Employee
from integrations import answers, connect, engine, registry, words
from integrations.local import KINDS
from integrations.models import Account, Link, Outgoing, Pair, Run
from integrations.models.history import Direction
from integrations.oauth import clients
from integrations.pages import choice, health
from integrations.pages.access import back, employee_of, frame, link_of, others, outgoing_of, page, pair_of, subject
from integrations.pages.consent import leads_away

SHOWN = 50  # of each list; the rest is counted


@page
@require_safe
def calendars(request: HttpRequest) -> HttpResponse:
    employee = subject(request)
    if employee is None:
        return people(request)
    links = (
        Link.objects.filter(calendar=employee.calendar_id)
        .select_related("source")
        .prefetch_related(health.told_by())
        .annotate(gone=Count("pairs", filter=Q(pairs__state=Pair.State.GONE_THERE)), so_far=_so_far())
        .order_by("-writes", "remote_name")
    )
    mine = Account.objects.filter(user=employee.user).defer("secrets") if employee.user_id else Account.objects.none()
    accounts = list(mine.prefetch_related(Prefetch("links", links)).order_by("pk"))
    by_link = _waiting(employee)
    offered = clients.offered()
    context = {
        "others": others(request),
        "accounts": [_account(account, by_link, employee, offered) for account in accounts],
        "can_connect": bool(employee.user_id),
        "services": _services(accounts, offered),
    }
    return leads_away(render(request, "integrations/calendars.html", frame(request, employee) | context))


def _services(accounts: list[Account], offered: Collection[str]) -> list[dict[str, Any]]:
    """What can be connected, and what of it is."""
    found = []
    for name, config in registry.providers().items():
        mine = [account for account in accounts if account.provider == name]
        if config.connects_by == "password" or name in offered:
            found.append({"name": name, "label": config.provider_label, "by_consent": config.connects_by == "oauth", "accounts": mine})
    return found


def _so_far() -> Subquery:
    """How many events a reading that is under way has read; None where there is none."""
    running = Run.objects.filter(link=OuterRef("pk"), link__lease_until__gt=timezone.now(), direction=Direction.IN, outcome=Run.Outcome.RUNNING)
    return Subquery(running.order_by("-started_at").values("read")[:1])


@page
@require_safe
def reading(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the first reading of a calendar is; once it is over the whole page is asked for again."""
    link = link_of(request, pk)
    if link.pulled_at is not None or link.state != Link.State.ACTIVE:
        return HttpResponse(headers={"HX-Refresh": "true"})
    link.so_far = Link.objects.filter(pk=pk).values_list(_so_far(), flat=True).first()  # type: ignore[attr-defined]
    return render(request, "integrations/_reading.html", frame(request, employee_of(link.account)) | {"link": link})


def people(request: HttpRequest) -> HttpResponse:
    """For managers without a calendar of their own: whose shall it be?"""
    employees = Employee.objects.select_related("user").annotate(
        accounts=Count("user__calendar_accounts"),
        troubled=Count("user__calendar_accounts", filter=Q(user__calendar_accounts__state=Account.State.NEEDS_PERSON)),
    )
    return render(request, "integrations/people.html", {"employees": employees})


def _waiting(employee: Employee) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """Conflicts and given-up changes of all the employee's links: a constant number of queries."""
    zone = ZoneInfo(employee.calendar.timezone)
    conflicts = list(Pair.objects.filter(link__calendar=employee.calendar_id, state=Pair.State.CONFLICT).order_by("pk")[:SHOWN])
    failed = list(Outgoing.objects.filter(link__calendar=employee.calendar_id, state=Outgoing.State.FAILED).order_by("pk")[:SHOWN])
    labels = item_labels([*((pair.kind, pair.item_id) for pair in conflicts), *((row.kind, row.item_id) for row in failed)])
    ours = {(kind, pk): times for kind, local in KINDS.items() for pk, times in local.times(one.item_id for one in conflicts if one.kind == kind).items()}
    found: dict[int, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: {"conflicts": [], "failed": []})
    for pair in conflicts:
        found[pair.link_id]["conflicts"].append({"pair": pair, "item": _label(labels, pair)} | _both_times(pair, ours, zone))
    for row in failed:
        found[row.link_id]["failed"].append({"row": row, "item": _label(labels, row)})
    return found


def item_labels(items: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Names of items given by kind and id: two queries a kind."""
    ids: dict[str, set[int]] = defaultdict(set)
    for kind, item_id in items:
        ids[kind].add(item_id)
    return {(kind, pk): text for kind, wanted in ids.items() if kind in KINDS for pk, text in KINDS[kind].labels(wanted).items()}


def _label(labels: dict[tuple[str, int], str], row: Any) -> str:
    return labels.get((row.kind, row.item_id), _("(no longer exists)"))


def _both_times(pair: Pair, ours: dict[tuple[str, int], dict[str, str]], zone: ZoneInfo) -> dict[str, str]:
    here, there = ours.get((pair.kind, pair.item_id)), pair.theirs.get("when")
    return {"ours": words.in_words("when", here, zone), "theirs": words.in_words("when", there, zone)}


def _account(account: Account, by_link: dict[int, dict[str, list[dict[str, Any]]]], employee: Employee, offered: Collection[str]) -> dict[str, Any]:
    now, zone = timezone.now(), ZoneInfo(employee.calendar.timezone)
    links = list(account.links.all())
    config = registry.providers().get(account.provider)
    rows = [
        {"link": link, "findings": health.of_link(link, now), "note": health.note(link), "news": health.news(link, now, zone), "question": _question(link)}
        | by_link.get(link.pk, {})
        for link in links
    ]
    return {
        "account": account,
        "by_consent": bool(config and config.oauth),
        "offered": account.provider in offered,
        "choice": {} if links or account.state != Account.State.CONNECTED else choice.context(account, employee, choice.empty(account)),
        "provider": config.provider_label if config else account.provider,
        "health": health.of_account(account, links, now, zone, asks=any(row["question"] or row.get("conflicts") or row.get("failed") for row in rows)),
        "links": rows,
    }


def _question(link: Link) -> str:
    if link.state != Link.State.PARKED:
        return ""
    count = link.gone  # type: ignore[attr-defined]  # annotated above
    text = ngettext(
        "%(count)s of our entries is gone in the calendar. Deleted on purpose?", "%(count)s of our entries are gone in the calendar. Deleted on purpose?", count
    )
    return text % {"count": count}


@page
@require_POST
def send_link(request: HttpRequest) -> HttpResponse:
    """A manager asks an employee to connect a calendar."""
    employee = subject(request)
    if employee is None or not others(request):
        raise PermissionDenied
    if connect.send_link(employee):
        messages.success(request, _("A mail with the way to this page has been sent to %(address)s.") % {"address": employee.email})
    else:
        messages.error(request, _("This employee has no sign-in or no address."))
    return back(request, employee)


@page
@require_POST
def gone(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer to "deleted on purpose?"."""
    link = link_of(request, pk)
    answer = request.POST.get("answer")
    if answer not in ("deleted", "back"):
        messages.error(request, _("Please choose one of the two answers."))
    elif link.state != Link.State.PARKED or link.answer:
        messages.info(request, _("This has been answered already."))
    else:
        answers.answer_gone_later(link, deleted=answer == "deleted")
        messages.success(request, _("Your answer is noted. It is carried out as soon as the calendar can be reached."))
    return back(request, employee_of(link.account))


@page
@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """A time wanted in the calendar that is taken here: ours or theirs."""
    pair = pair_of(request, pk)
    answer = request.POST.get("answer")
    if answer not in ("ours", "theirs"):
        messages.error(request, _("Please choose one of the two times."))
    elif pair.state != Pair.State.CONFLICT:
        messages.info(request, _("This conflict has been settled already."))
    else:
        try:
            engine.settle_conflict(pair, keep_ours=answer == "ours")
        except BookingError as error:
            messages.error(request, _("The calendar's time can't be taken: %(reason)s") % {"reason": error})
        else:
            messages.success(request, _("Settled. Both sides will show the same time in a moment."))
    return back(request, employee_of(pair.link.account))


@page
@require_POST
def try_again(request: HttpRequest, pk: int) -> HttpResponse:
    row = outgoing_of(request, pk)
    answers.try_again(row)
    messages.success(request, _("It is being tried again."))
    return back(request, employee_of(row.link.account))
