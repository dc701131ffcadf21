"""What ends by itself: client secrets, passwords, permissions, subscriptions. Listed for people, who get a mail while there is time."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations import connect, registry
from integrations.models import Account, OAuthClient, Reminder, Subscription

logger = logging.getLogger(__name__)

DAYS = (30, 14, 3)  # before the end, a mail each


@dataclass(frozen=True, slots=True)
class Expiry:
    """One thing and its last day. `about` is its lasting name; `account` is None for what the admins look after."""

    about: str
    on: date
    what: str | Promise
    name: str
    todo: str | Promise
    link: str
    account: Account | None = None
    renews: bool = False  # by itself, so nobody is reminded

    def left(self, today: date) -> int:
        return (self.on - today).days


def coming(accounts: Iterable[Account] | None = None) -> list[Expiry]:
    """Everything whose end is known, the soonest first; with `accounts` only what belongs to these."""
    if accounts is None:
        accounts = Account.objects.exclude(state=Account.State.DISCONNECTING).select_related("user__employee").defer("secrets")
        found = [_of_client(one) for one in OAuthClient.objects.exclude(secret_expires_on=None).defer("secrets")]
    else:
        found = []
    found += [_of_account(one) for one in accounts if one.access_ends_on]
    told = Subscription.objects.filter(account__in=accounts, ending=False).exclude(remote_id="").exclude(expires_at=None)
    found += [_of_subscription(one) for one in told.select_related("account__user__employee", "link").defer("account__secrets")]
    return sorted(found, key=lambda one: (one.on, one.about))


def _of_client(client: OAuthClient) -> Expiry:
    config = registry.providers().get(client.provider)
    assert client.secret_expires_on is not None
    return Expiry(
        about=f"client:{client.pk}",
        on=client.secret_expires_on,
        what=_("Client secret"),
        name=str(config.provider_label if config else client.provider),
        todo=_("Create a new secret at the provider and enter it with its date in the admin. Nobody has to connect again."),
        link=reverse("admin:integrations_oauthclient_change", args=[client.pk]),
    )


def _of_account(account: Account) -> Expiry:
    consents = bool(account.subject)
    assert account.access_ends_on is not None
    return Expiry(
        about=f"account:{account.pk}",
        on=account.access_ends_on,
        what=_("Permission") if consents else _("Password"),
        name=str(account),
        todo=_("Connect the account again.") if consents else _("Enter the new password as soon as you have changed it there."),
        link=reverse("integrations:calendars"),
        account=account,
    )


def _of_subscription(told: Subscription) -> Expiry:
    assert told.expires_at is not None
    return Expiry(
        about=f"subscription:{told.pk}",
        on=timezone.localdate(told.expires_at),
        what=_("Being told of changes"),
        name=str(told.link or told.account),
        todo=_("It is renewed by itself in time. Without it the calendar is read every few minutes."),
        link=reverse("integrations:calendars"),
        account=told.account,
        renews=True,
    )


def remind(today: date) -> int:
    """Mails what ends within 30, 14 or 3 days, once each; returns how many. After a standstill the nearest of them is sent, not all."""
    count = 0
    for one in coming():
        due = [days for days in DAYS if 0 <= one.left(today) <= days]
        if not due or one.renews:
            continue
        row, _created = Reminder.objects.get_or_create(about=one.about, on=one.on, days=min(due))
        try:
            if row.sent_at is None and _send(one):
                Reminder.objects.filter(pk=row.pk).update(sent_at=timezone.now())
                count += 1
        except OSError:  # the mail server's trouble, or one bad address: the others get theirs, and the next run tries again
            logger.exception("The mail about the end of %s could not be sent", one.about)
    Reminder.objects.filter(on__lt=today - timedelta(days=max(DAYS))).delete()
    return count


def _send(one: Expiry) -> bool:
    """False: there is nobody to tell."""
    people = _people(one)
    if not people:
        return False
    with translation.override(connect.language(one.account) if one.account else settings.LANGUAGE_CODE):
        values = {
            "what": one.what,
            "name": one.name,
            "on": date_format(one.on, "SHORT_DATE_FORMAT"),
            "todo": one.todo,
            "link": settings.SITE_URL.rstrip("/") + one.link,
        }
        text = gettext("%(what)s of “%(name)s” ends on %(on)s. After that calendars can no longer be read or written.\n\n%(todo)s\n%(link)s")
        subject = gettext("%(what)s of “%(name)s” ends on %(on)s") % values
        send_mail(subject=" ".join(subject.split()), message=text % values, from_email=None, recipient_list=people, fail_silently=False)
    return True


def _people(one: Expiry) -> list[str]:
    """The owner; of what belongs to nobody, the admins."""
    if one.account and one.account.user:
        return [one.account.user.email] if one.account.user.email else []
    admins = User.objects.filter(Q(is_superuser=True) | Q(groups__name="admin"), is_active=True).exclude(email="")
    return sorted(set(admins.values_list("email", flat=True)))
