"""Connecting accounts: testing step by step, making a calendar, disconnecting; and whom to tell when it breaks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from booking.actions import busy
from booking.models import Employee
from integrations import choosing, outbox, registry
from integrations.contract import NeedsPerson, Provider, ProviderError, RemoteCalendar, Retry
from integrations.models import Account, Link, Subscription
from integrations.oauth import tokens
from integrations.told import told

logger = logging.getLogger(__name__)

AWAY = gettext_noop(
    "The calendar service can't be reached at the moment. What is needed to stop its notifications is kept until that has worked, for a week at most; everything else of this connection has been erased."
)
REFUSALS = 3  # log-ins refused in a row before we stop, so that nobody's account is locked


class StoredCredentials:
    """The secrets of one account, handed to its provider for one session."""

    def __init__(self, account: Account) -> None:
        self.username, self.server, self._secrets = account.username, account.server, account.secrets
        self._account, self._tokens = account.pk, tokens.Tokens("", "", timezone.now(), frozenset())

    def access_token(self, rejected: str = "") -> str:
        """Asks the database only at first and when the token is about to end or was rejected."""
        held = self._tokens
        if not held.access or held.access == rejected or held.expires_at - tokens.MARGIN < timezone.now():
            self._tokens = tokens.fresh(self._account, rejected)
        return self._tokens.access

    def secret(self, name: str) -> str:
        try:
            return str(self._secrets[name])
        except KeyError as error:
            raise NeedsPerson(gettext_noop("There is no stored password."), gettext_noop("Connect the account again."), code="auth") from error


def provider_for(account: Account, *, timezone: str = "") -> Provider:
    """`timezone`: the zone of times that name none."""
    known = {"timezone": timezone or settings.TIME_ZONE, "identity": account.identity, "address": account.user.email if account.user else ""}
    return registry.config(account.provider).provider(StoredCredentials(account), known)


def add_account(*, user: Any, provider: str, server: str, username: str, secrets: Mapping[str, str], ends_on: date | None = None) -> Account:
    """Stores what was typed and has it checked in the background; the page polls `steps`."""
    registry.config(provider)
    account = Account.objects.create(user=user, provider=provider, server=server, username=username, secrets=dict(secrets), access_ends_on=ends_on)
    _check_later(account)
    return account


def change_secrets(account: Account, *, secrets: Mapping[str, str], ends_on: date | None = None) -> None:
    """A new password for the same account, and its last day if it has one; what waits in the outbox goes out once it works."""
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(secrets=account.secrets | dict(secrets), access_ends_on=ends_on)
        check_again(account)


def grant_access(*, user: User, provider: str, subject: str, identity: str, granted: tokens.Tokens) -> Account:
    """What a person has just granted. Whoever is known by `subject` (for ever the same there) is connected again: links, pairs and outbox stay."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # a second click waits here
        known = Account.objects.filter(user=user, provider=provider, subject=subject).exclude(state=Account.State.DISCONNECTING)
        account = known.select_for_update(of=("self",)).first() or Account(user=user, provider=provider, subject=subject)
        account.identity, account.secrets, account.token_expires_at = identity or account.identity, granted.secrets, granted.expires_at
        account.token_version, account.refreshing_until, account.access_ends_on = account.token_version + 1, None, granted.ends_on
        account.state, account.steps, account.failures, account.paused_until, account.pauses = Account.State.CHECKING, [], 0, None, 0
        account.save()
        _check_later(account)
    return account


def check_again(account: Account) -> None:
    """Not for one that is being disconnected: nothing brings it back."""
    known = Account.objects.filter(pk=account.pk).exclude(state=Account.State.DISCONNECTING)
    if known.update(state=Account.State.CHECKING, steps=[], failures=0, paused_until=None, pauses=0):
        _check_later(account)


def _check_later(account: Account) -> None:
    from integrations.tasks import check_account

    transaction.on_commit(lambda: check_account.delay(account.pk))


def check(account_id: int) -> bool:
    """Tests the connection, saving each step as it is known, and lists the calendars; True when everything works."""
    account = Account.objects.select_related("user__employee").get(pk=account_id)
    provider = provider_for(account)
    account.steps, works = [], True
    with translation.override(language(account)):
        try:
            for step in provider.check():
                account.steps.append({"name": str(step.name), "ok": step.ok, "detail": str(step.detail), "hint": str(step.hint)})
                Account.objects.filter(pk=account.pk).update(steps=account.steps)
                works = works and step.ok
                account.problem, account.hint = ("", "") if step.ok else (str(step.detail)[:500], str(step.hint)[:500])
            if works:
                account.identity = provider.identity()
                account.calendars = [_plain(one) for one in provider.calendars()]
        except ProviderError as error:
            works, account.problem, account.hint = False, str(error)[:500], getattr(error, "hint", "")[:500]
            account.steps.append({"name": gettext_noop("Connection"), "ok": False, "detail": account.problem, "hint": account.hint})
        except Exception:  # whoever waits for the result must not wait for ever
            logger.exception("Account %s: the test of the connection broke", account.pk)
            works, account.problem, account.hint = (
                False,
                gettext_noop("Something went wrong on our side."),
                gettext_noop("Please tell your admin: the log says more."),
            )
            account.steps.append({"name": gettext_noop("Connection"), "ok": False, "detail": account.problem, "hint": account.hint})
    account.state = Account.State.CONNECTED if works else Account.State.NEEDS_PERSON
    account.checked_at = timezone.now()
    if works:
        account.last_ok_at, account.failures = account.checked_at, 0
    found = ("steps", "problem", "hint", "identity", "calendars", "state", "checked_at", "last_ok_at", "failures")
    wanted = Account.objects.filter(pk=account.pk).exclude(state=Account.State.DISCONNECTING)  # whoever ends it meanwhile has the last word
    if not wanted.update(**{name: getattr(account, name) for name in found}):
        return False
    if works:
        account.links.update(next_pull_at=timezone.now(), failures=0)
        account.subscriptions.filter(failures__gt=0).update(due_at=timezone.now())
        account.links.filter(state=Link.State.LOST).update(state=Link.State.ACTIVE)  # a question that waits is not answered by this
        outbox.hurry(list(account.links.values_list("pk", flat=True)))
    return works


def _plain(calendar: RemoteCalendar) -> dict[str, Any]:
    return {"id": calendar.id, "name": calendar.name, "writable": calendar.writable, "primary": calendar.primary, "color": calendar.color}


def create_calendar(account: Account, name: str) -> str:
    """A separate calendar there for our appointments; returns its id. Provider call: not inside a transaction, not in a web request."""
    made = provider_for(account).create_calendar(name)
    account.calendars = [*account.calendars, _plain(made)]
    account.save(update_fields=["calendars"])
    return made.id


def separate_name(account: Account) -> str:
    """What the separate calendar is called: in its owner's language, whoever looks at the page."""
    with translation.override(language(account)):
        return _("%(company)s appointments") % {"company": settings.COMPANY["name"]}


def create_separate_later(account: Account) -> None:
    """Has a separate calendar made and written into; the page polls `steps`, where ok is None while it runs."""
    from integrations.tasks import create_separate

    account.steps = [{"name": _creating(account), "ok": None, "detail": "", "hint": ""}]
    account.save(update_fields=["steps"])
    transaction.on_commit(lambda: create_separate.delay(account.pk))


def _creating(account: Account) -> str:
    return _("Create the calendar “%(name)s”") % {"name": separate_name(account)}


def create_separate(account_id: int) -> None:
    """Makes the separate calendar, unless an earlier attempt did, and chooses it for writing."""
    account = Account.objects.select_related("user__employee__calendar").get(pk=account_id)
    calendar = account.user.employee.calendar  # type: ignore[union-attr]  # only employees have a calendar to write
    with translation.override(language(account)):
        name = separate_name(account)
        step = {"name": _creating(account), "ok": True, "detail": str(_("Appointments are written there from now on.")), "hint": ""}
        try:
            taken = set(Link.objects.filter(account=account).values_list("remote_id", flat=True))
            found = [one for one in provider_for(account).calendars() if one.name == name and one.writable and one.id not in taken]
            remote = found[0].id if found else create_calendar(account, name)
            if remote not in {one["id"] for one in account.calendars}:
                account.calendars = [*account.calendars, _plain(found[0])]
            reads = set(account.links.filter(calendar=calendar, reads=True).values_list("remote_id", flat=True))
            choosing.choose(account, calendar, reads=reads, writes=remote)
        except ProviderError as error:
            step |= {"ok": False, "detail": str(error), "hint": getattr(error, "hint", "")}
    account.steps = [step]
    account.save(update_fields=["steps", "calendars"])


def disconnect_later(account: Account) -> None:
    """Stops the sync at once; the other side is told in the background."""
    from integrations.tasks import disconnect_account

    Account.objects.filter(pk=account.pk).update(state=Account.State.DISCONNECTING, problem="", hint="")
    transaction.on_commit(lambda: disconnect_account.delay(account.pk))


def disconnect(account: Account) -> None:
    """Forgets links and the busy times read through them; ends there what tells us of changes, then the access where the provider knows such a thing;
    then forgets the secrets. In this order, for without access nothing can be ended any more.

    While the provider is away it is tried again, until all has ended or expired: a week at most, and for that alone the secrets are kept. The events that
    were written stay in the calendar: only the user deletes the user's data. The history stays here.
    """
    now, provider = timezone.now(), provider_for(account)
    with transaction.atomic():
        for link in account.links.all():
            choosing.end(link)
    for row in account.subscriptions.filter(Q(ending=False) | Q(due_at__lte=now)):
        _stop(provider, row, now)
    if account.subscriptions.exists():
        Account.objects.filter(pk=account.pk).update(state=Account.State.DISCONNECTING, problem="", hint=AWAY, calendars=[], steps=[])
        return
    shared = Account.objects.filter(provider=account.provider, subject=account.subject).exclude(Q(pk=account.pk) | Q(subject=""))
    if not shared.exists():  # it would end for everybody: what is revoked is what the person granted us, not a token
        try:
            provider.revoke()
        except ProviderError:
            logger.info("Account %s: the access could not be ended at the provider; it is forgotten here all the same", account.pk)
    account.delete()


def _stop(provider: Provider, row: Subscription, now: datetime) -> None:
    """It goes once it is ended, or can't be: it has expired, or we have no access any more."""
    try:
        if row.lives(now):
            provider.unsubscribe(row.plain())
    except Retry as error:
        pause = error.after if error.after is not None else outbox.backoff(min(row.failures + 1, 12))
        known = Subscription.objects.filter(pk=row.pk)
        known.update(ending=True, due_at=now + timedelta(seconds=pause), failures=row.failures + 1, problem=str(error)[:500])
        return
    except NeedsPerson:
        logger.info("Account %s: what tells us of changes could not be ended; it ends by itself", row.account_id)
    row.delete()


def refused(account: Account, error: NeedsPerson, now: datetime) -> None:
    """The other side wants a person. A password is tried a few times, for a server may err; then we stop and tell the owner once."""
    known = Account.objects.filter(pk=account.pk)
    if error.code == "revoked":  # who has connected it again meanwhile has the last word
        known = known.filter(token_version=account.token_version)
    if not known.update(failures=F("failures") + 1, problem=error.reason[:500], hint=error.hint[:500]):  # workers of other links count here too
        return
    account.refresh_from_db(fields=["failures", "problem", "hint"])
    if account.failures < REFUSALS and error.code != "revoked":
        known.update(paused_until=now + timedelta(seconds=settings.RETRY_SECONDS * 4**account.failures))
        return
    told = known.filter(state=Account.State.CONNECTED).update(state=Account.State.NEEDS_PERSON)
    for link in account.links.select_related("source"):
        if link.source:
            busy.mark_lost(link.source)
    if told:
        _tell_owner(account)


def _tell_owner(account: Account) -> None:
    user = account.user
    if user is None or not user.email:
        return
    with translation.override(language(account)):
        link = settings.SITE_URL.rstrip("/") + reverse("integrations:calendars")
        text = _(
            "Your calendar “%(account)s” can no longer be read or written: %(problem)s\n%(hint)s\n\nUntil it is connected again your times are closed as you chose. Please look here: %(link)s"
        )
        send_mail(
            subject=_("Your calendar needs you"),
            message=text % {"account": account, "problem": told(account.problem), "hint": told(account.hint), "link": link},
            from_email=None,
            recipient_list=[user.email],
            fail_silently=False,
        )


def send_link(employee: Employee) -> bool:
    """Mails the way to the page where a calendar is connected. It is no key: signing in is needed there. False: no sign-in or no address."""
    address = employee.email or (employee.user.email if employee.user else "")
    if employee.user is None or not address:
        return False
    with translation.override(employee.language):
        link = settings.SITE_URL.rstrip("/") + reverse("integrations:calendars")
        text = _(
            "Hello %(name)s,\n\nplease connect your calendar, so that appointments appear in it and nobody books when you are busy:\n%(link)s\n\n%(company)s"
        )
        values = {"name": employee.first_name, "link": link, "company": settings.COMPANY["name"]}
        send_mail(subject=_("Connect your calendar"), message=text % values, from_email=None, recipient_list=[address], fail_silently=False)
    return True


def language(account: Account) -> str:
    """Its owner's."""
    employee = getattr(account.user, "employee", None) if account.user else None
    return employee.language if employee else settings.LANGUAGE_CODE
