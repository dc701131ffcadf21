"""Connecting an account: what to type, the test step by step, choosing calendars, another password, the end of it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from booking.models import BusySource
from integrations import choosing, connect, registry
from integrations.contract import NeedsPerson, ProviderConfig
from integrations.models import Account, Link, Pair
from integrations.pages.access import account_of, address, back, employee_of, frame, link_of, page, subject
from integrations.pages.forms import NEW, ChoiceForm, ConnectForm, LinkForm, PasswordForm

forms_pages = require_http_methods(["GET", "HEAD", "POST"])


def by_password() -> dict[str, ProviderConfig]:
    return {name: config for name, config in registry.providers().items() if config.connects_by == "password"}


@page
@forms_pages
def new(request: HttpRequest, provider: str = "") -> HttpResponse:
    """Where the account is and how to sign in there. With several providers one is chosen first."""
    employee = subject(request)
    if employee is None or employee.user is None:
        raise PermissionDenied
    known = by_password()
    if not provider and len(known) == 1:
        provider = next(iter(known))
    if not provider:
        return render(request, "integrations/providers.html", frame(request, employee) | {"providers": known})
    if provider not in known:
        raise Http404
    form = ConnectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        account = connect.add_account(
            user=employee.user, provider=provider, server=data["server"], username=data["username"], secrets={"password": data["password"]}
        )
        return redirect(address(request, "check", employee, account.pk))
    context = frame(request, employee) | {"form": form, "provider": known[provider].provider_label}
    return render(request, "integrations/connect.html", context, status=400 if form.errors else 200)


@page
@require_safe
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """The test's steps so far; asked for again and again by htmx until it has ended, else by reloading."""
    account = account_of(request, pk)
    employee = employee_of(account)
    running = account.state == Account.State.CHECKING or any(step["ok"] is None for step in account.steps)
    fine = account.state == Account.State.CONNECTED and all(step["ok"] for step in account.steps)
    context = frame(request, employee) | {
        "account": account,
        "running": running,
        "fine": fine,
        "chosen": account.links.filter(calendar=employee.calendar).exists(),
    }
    return render(request, "integrations/_check_steps.html" if request.htmx else "integrations/check.html", context)  # type: ignore[attr-defined]


@page
@require_POST
def check_again(request: HttpRequest, pk: int) -> HttpResponse:
    account = account_of(request, pk)
    connect.check_again(account)
    return redirect(address(request, "check", employee_of(account), account.pk))


@page
@forms_pages
def password(request: HttpRequest, pk: int) -> HttpResponse:
    account = account_of(request, pk)
    employee = employee_of(account)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        connect.change_secrets(account, secrets={"password": form.cleaned_data["password"]})
        return redirect(address(request, "check", employee, account.pk))
    return render(request, "integrations/password.html", frame(request, employee) | {"account": account, "form": form}, status=400 if form.errors else 200)


@page
@forms_pages
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Which calendars are read and into which one is written; a separate one is recommended and made on request."""
    account = account_of(request, pk)
    employee = employee_of(account)
    config = registry.providers().get(account.provider)
    can_create = bool(config and config.capabilities.creates_calendars)
    links = {link.remote_id: link for link in account.links.filter(calendar=employee.calendar)}
    form = ChoiceForm(request.POST or None, account=account, can_create=can_create)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data["writes"]
        try:
            choosing.choose(account, employee.calendar, reads=set(form.cleaned_data["reads"]), writes="" if wanted == NEW else wanted)
        except NeedsPerson as error:
            form.add_error("writes", f"{error.reason} {error.hint}")
        else:
            if wanted == NEW:
                connect.create_separate_later(account)
                return redirect(address(request, "check", employee, account.pk))
            messages.success(request, _("Saved. Your calendars are being read."))
            return back(request, employee)
    reads = set(request.POST.getlist("reads")) if form.is_bound else {pk for pk, link in links.items() if link.reads}
    writes = request.POST.get("writes", "") if form.is_bound else next((pk for pk, link in links.items() if link.writes), "")
    if not form.is_bound and not links:  # the first time: what most people want
        reads = {one["id"] for one in account.calendars if one["primary"]} or {one["id"] for one in account.calendars[:1]}
        writes = NEW if can_create else ""
    elsewhere = (
        Link.objects.filter(calendar=employee.calendar, writes=True).exclude(account=account).select_related("account").defer("account__secrets").first()
    )
    context = {
        "account": account,
        "form": form,
        "reads": reads,
        "writes": writes,
        "can_create": can_create,
        "new_name": connect.separate_name(account),
        "elsewhere": elsewhere,
    }
    return render(request, "integrations/choose.html", frame(request, employee) | context, status=400 if form.errors else 200)


@page
@forms_pages
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """How one calendar that is read counts."""
    found = link_of(request, pk)
    employee = employee_of(found.account)
    if not found.reads or found.source is None:
        raise Http404
    form = LinkForm(request.POST or None, initial={"honour": found.honour, "policy": found.source.policy})
    if request.method == "POST" and form.is_valid():
        choosing.set_reading(found, honour=form.cleaned_data["honour"], policy=form.cleaned_data["policy"])
        messages.success(request, _("Saved."))
        return back(request, employee)
    context = {"link": found, "form": form, "honours": Link.Honour, "policies": BusySource.Policy}
    return render(request, "integrations/link.html", frame(request, employee) | context, status=400 if form.errors else 200)


@page
@forms_pages
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Says what will happen; only POST does it."""
    account = account_of(request, pk)
    employee = employee_of(account)
    if request.method == "POST":
        connect.disconnect_later(account)
        messages.success(request, _("“%(account)s” is disconnected. What is stored about it is being erased.") % {"account": account})
        return back(request, employee)
    left = Pair.objects.filter(link__account=account, state__in=[Pair.State.LIVE, Pair.State.CONFLICT]).count()
    return render(request, "integrations/disconnect.html", frame(request, employee) | {"account": account, "left": left, "links": account.links.all()})
