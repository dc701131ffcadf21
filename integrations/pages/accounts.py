"""Connecting an account: what to type, the test step by step, choosing calendars, another password, the end of it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from booking.models import BusySource
from integrations import choosing, connect, plan, registry
from integrations.contract import ProviderConfig
from integrations.models import Account, Link
from integrations.oauth import clients
from integrations.pages import choice, consent, ending
from integrations.pages.access import account_of, address, back, employee_of, frame, link_of, page, subject
from integrations.pages.forms import ChoiceForm, ConnectForm, LinkForm, PasswordForm

forms_pages = require_http_methods(["GET", "HEAD", "POST"])


def by_password() -> dict[str, ProviderConfig]:
    return {name: config for name, config in registry.providers().items() if config.connects_by == "password"}


@page
@forms_pages
def new(request: HttpRequest, provider: str) -> HttpResponseBase:
    """Where the account is and how to sign in there; or the way to the provider's own page."""
    employee = subject(request)
    if employee is None or employee.user is None:
        raise PermissionDenied
    known = by_password()
    if provider not in known:
        return consent.begin(request, employee, provider)
    form = ConnectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        account = connect.add_account(
            user=employee.user,
            provider=provider,
            server=data["server"],
            username=data["username"],
            secrets={"password": data["password"]},
            ends_on=data["ends_on"],
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
    if not running and request.htmx and (request.htmx.current_url_abs_path or "").partition("?")[0] == reverse("integrations:calendars"):  # type: ignore[attr-defined]
        return HttpResponseClientRefresh()  # its settings open there
    context = frame(request, employee) | {
        "account": account,
        "running": running,
        "fine": fine,
        "chosen": account.links.filter(calendar=employee.calendar).exists(),
        "by_consent": account.provider in clients.by_oauth(),
        "offered": account.provider in clients.offered(),
    }
    return consent.leads_away(render(request, "integrations/_check_steps.html" if request.htmx else "integrations/check.html", context))  # type: ignore[attr-defined]


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
        connect.change_secrets(account, secrets={"password": form.cleaned_data["password"]}, ends_on=form.cleaned_data["ends_on"])
        return redirect(address(request, "check", employee, account.pk))
    return render(request, "integrations/password.html", frame(request, employee) | {"account": account, "form": form}, status=400 if form.errors else 200)


@page
@forms_pages
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Which calendars are read and into which one is written; a separate one is recommended and made on request."""
    account = account_of(request, pk)
    employee = employee_of(account)
    form = ChoiceForm(request.POST or None, account=account, can_create=choice.can_create(account))
    if request.method == "POST" and form.is_valid():
        plan.begin(account, employee.calendar, reads=set(form.cleaned_data["reads"]), writes=form.cleaned_data["writes"])
        return redirect(address(request, "plan", employee, account.pk))
    return render(request, "integrations/choose.html", frame(request, employee) | choice.context(account, employee, form), status=400 if form.errors else 200)


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
    config = registry.providers().get(account.provider)
    context = {"account": account, "links": account.links.all(), "farewell": config.oauth.farewell if config and config.oauth else ""}
    return render(request, "integrations/disconnect.html", frame(request, employee) | context | ending.of(account, employee))
