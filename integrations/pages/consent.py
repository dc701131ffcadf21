"""To the provider's consent page and back."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from booking.models import Employee
from booking.pages.access import personal
from integrations.models import Account
from integrations.oauth import clients, consent
from integrations.pages.access import address, frame, is_own

# Why nothing was connected -> in words, and what to do.
WHY = {
    "denied": (gettext_lazy("You did not agree, so nothing was connected."), gettext_lazy("Connect again whenever you like.")),
    "expired": (
        gettext_lazy("This way back has been used already or has expired."),
        gettext_lazy("If your calendar is not connected yet, please begin again. Nothing was changed."),
    ),
    "again": (
        gettext_lazy("%(provider)s could not finish it, or your organisation does not allow it."),
        gettext_lazy("Please try again; if it happens again, ask your admin."),
    ),
    "scope": (
        gettext_lazy("You have not allowed the calendar, so nothing was connected."),
        gettext_lazy("Please connect again and tick the box for the calendar on the page of %(provider)s."),
    ),
    "lasting": (
        gettext_lazy("%(provider)s gave us access for a moment only, so nothing was connected."),
        gettext_lazy("Please connect again and agree to everything that is asked for."),
    ),
    "identity": (gettext_lazy("%(provider)s did not tell which account it is, so nothing was connected."), gettext_lazy("Please try again later.")),
    "user": (gettext_lazy("Somebody else began this, so nothing was connected."), gettext_lazy("Please begin again yourself.")),
    "setup": (
        gettext_lazy("The sign-in at %(provider)s is not set up properly, so nothing was connected."),
        gettext_lazy("Please tell your admin: the page of the set-up says what is wrong."),
    ),
    "away": (gettext_lazy("%(provider)s does not answer at the moment, so nothing was connected."), gettext_lazy("Please try again in a few minutes.")),
}


def leads_away(answer: HttpResponse) -> HttpResponse:
    """A page with a button to a consent page: browsers look at form-action also where a form is redirected to."""
    roots = [getattr(settings, oauth.consent[0]) for _config, oauth in clients.by_oauth().values()]
    answer._csp_update = {"form-action": roots}  # type: ignore[attr-defined]
    return answer


def begin(request: HttpRequest, employee: Employee, provider: str) -> HttpResponseBase:
    """Only oneself: it is the account of whoever is signed in there. A manager sends the link."""
    if provider not in clients.offered():
        raise Http404
    if request.method == "POST" and is_own(request, employee):
        asked = request.POST.get("account", "")
        known = Account.objects.filter(user=request.user.pk, provider=provider).defer("secrets")
        return consent.begin(request, provider, known.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 19 else None)
    label = clients.by_oauth()[provider][0].provider_label
    return leads_away(render(request, "integrations/consent.html", frame(request, employee) | {"provider": provider, "label": label}))


@personal
@require_safe
def callback(request: HttpRequest, login: str) -> HttpResponseBase:
    found = {oauth.login: (name, config) for name, (config, oauth) in clients.by_oauth().items()}
    if login not in found:
        raise Http404
    if not isinstance(request.user, User):  # the address holds a code, so it is not kept for after the sign-in
        messages.warning(request, _("Your session has ended. Please sign in and connect again."))
        return redirect(f"{reverse('account_login')}?next={reverse('integrations:calendars')}")
    provider, config = found[login]
    try:
        account, wanted = consent.come_back(request, login)
    except consent.Unfinished as error:
        said = {"provider": config.provider_label}
        text, hint = (str(one) % said for one in WHY[error.why])
        context = {"text": text, "hint": hint, "provider": provider, "label": config.provider_label, "offered": provider in clients.offered()}
        return leads_away(render(request, "integrations/consent_failed.html", context, status=400))
    if wanted and wanted != account:
        text = _("“%(account)s” is connected now. “%(wanted)s” still needs you: choose that account there.")
        messages.warning(request, text % {"account": account, "wanted": wanted})
    employee = Employee.objects.filter(user=request.user).first()
    place = address(request, "calendars", employee) if employee else reverse("integrations:calendars")
    return redirect(f"{place}#account-{account.pk}")
