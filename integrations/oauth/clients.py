"""Our registration at each provider (models/client.py): what an admin has set up, and where people are sent back to."""

from __future__ import annotations

import re

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from integrations import outbox, registry
from integrations.contract import NeedsPerson, OAuth, ProviderConfig, Retry
from integrations.models import Account, Link, OAuthClient

TENANT = re.compile(
    r"common|organizations|consumers|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE
)
FAULTS = {
    "client": (_("The client ID is not known there."), _("Copy it once more; mind that it belongs to this application.")),
    "secret": (_("The client secret is not right."), _("Copy the secret's value, not its ID, or create a new one.")),
    "expired": (_("The client secret has expired."), _("Create a new one there and enter it here.")),
    "redirect": (_("The redirect URI is not registered there."), _("Copy the redirect URI from this page and add it there exactly as it is.")),
    "tenant": (_("The authority (tenant) is not known there."), _("Enter common, organizations, consumers, or the ID or domain of your directory.")),
}


def by_oauth() -> dict[str, tuple[ProviderConfig, OAuth]]:
    """The installed providers that are connected by consent."""
    return {name: (config, config.oauth) for name, config in registry.providers().items() if config.connects_by == "oauth" and config.oauth}


def oauth_of(provider: str) -> OAuth:
    found = registry.config(provider).oauth
    if found is None:
        raise NeedsPerson("The provider is not installed.", "Install it again or disconnect the account.", code="gone")
    return found


def offered() -> dict[str, OAuthClient]:
    """By provider id, what people can connect with now."""
    return {one.provider: one for one in OAuthClient.objects.filter(enabled=True, provider__in=by_oauth())}


def client_of(provider: str) -> OAuthClient:
    """Raises Retry while the admin has not set it up or has switched it off: then accounts rest."""
    found = OAuthClient.objects.filter(provider=provider, enabled=True).first()
    if found is None:
        raise Retry(_("An admin has switched this service off."), 3600)
    return found


def redirect_uri(oauth: OAuth) -> str:
    """Where people come back to, by the configured public address, never by what a request says."""
    return settings.SITE_URL.rstrip("/") + reverse("oauth_callback", args=[oauth.login])


def saved(client: OAuthClient, *, secret: str = "") -> None:
    """Keeps the set-up, with another secret if there is one, has it tested, and lets waiting accounts go on."""
    if secret:
        client.secrets = {"client_secret": secret}
    with transaction.atomic():
        client.save()
        waiting = Account.objects.filter(provider=client.provider, state=Account.State.CONNECTED)
        waiting.update(paused_until=None, problem="", hint="")
        links = Link.objects.filter(account__in=waiting)
        links.update(next_pull_at=timezone.now(), failures=0)
        outbox.hurry(list(links.values_list("pk", flat=True)))
        check_later(client)


def refused(client: OAuthClient, fault: str) -> None:
    """The provider doesn't accept our registration any more, which only an admin can mend. Told on the page of the set-up."""
    text = FAULTS[fault][0] if fault in FAULTS else _("The provider refuses the set-up.")
    OAuthClient.objects.filter(pk=client.pk).update(problem=text)


def accepted(client: OAuthClient) -> None:
    OAuthClient.objects.filter(pk=client.pk).exclude(problem="").update(problem="")


def check_later(client: OAuthClient) -> None:
    from integrations.tasks import check_client

    OAuthClient.objects.filter(pk=client.pk).update(checking=True, steps=[])
    transaction.on_commit(lambda: check_client.delay(client.pk))
