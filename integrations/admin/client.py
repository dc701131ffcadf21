"""The set-up of signing in at Google, Microsoft and the like: the secret goes in and never comes out, the guide stands beside it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from integrations.models import OAuthClient
from integrations.oauth import clients
from integrations.told import told

SOON = 30  # days before its end that a secret is warned of


class ClientForm(forms.ModelForm):
    provider = forms.ChoiceField(label=gettext_lazy("Provider"))
    client_secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
    )

    class Meta:
        model = OAuthClient
        fields = ["provider", "enabled", "client_id", "client_secret", "secret_expires_on", "tenant"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.fields.pop("provider", None)  # it stays what it is
        if "provider" in self.fields:
            taken = set(OAuthClient.objects.exclude(pk=self.instance.pk).values_list("provider", flat=True))
            known = [(name, config.provider_label) for name, (config, _oauth) in clients.by_oauth().items() if name not in taken]
            self.fields["provider"].choices = known  # type: ignore[attr-defined]
        if "client_secret" in self.fields:
            stored = bool(self.instance.secrets)
            self.fields["client_secret"].required = not stored
            self.fields["client_secret"].help_text = (
                _("Stored encrypted and never shown again. Leave it empty to keep the one that is stored.") if stored else ""
            )
        if "tenant" in self.fields:
            self.fields["tenant"].help_text = _(
                "Outlook only. “common”: everybody; “organizations”: work and school; “consumers”: private; or your directory's ID or domain."
            )
            self.fields["tenant"].widget.attrs["placeholder"] = "common"

    def clean_client_id(self) -> str:
        return str(self.cleaned_data["client_id"]).strip()

    def clean_client_secret(self) -> str:
        return str(self.cleaned_data["client_secret"]).strip()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        _config, oauth = clients.by_oauth().get(data.get("provider") or self.instance.provider, (None, None))
        typed = (data.get("tenant") or "").strip()
        data["tenant"] = (typed or "common") if oauth and oauth.tenants else ""
        if data["tenant"] and not clients.TENANT.fullmatch(data["tenant"]):
            self.add_error("tenant", _("This is no authority: common, organizations, consumers, or the ID or domain of a directory."))
        return data


@admin.register(OAuthClient)
class OAuthClientAdmin(admin.ModelAdmin):
    """`secrets` is never shown: the form tells only whether there are any."""

    form = ClientForm
    list_display = ["label", "enabled", "client_id", "secret_ends", "what_is_wrong", "checked_at"]
    change_form_template = "integrations/admin/client.html"

    class Media:
        js = ["vendor/htmx/htmx.min.js", "copy.js"]

    def get_fields(self, request: HttpRequest, obj: OAuthClient | None = None) -> list[Any]:
        kinds = clients.by_oauth()
        tenants = obj is None or (obj.provider in kinds and kinds[obj.provider][1].tenants)
        return ["label" if obj else "provider", "enabled", "client_id", "client_secret", "secret_expires_on", *(["tenant"] if tenants else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: OAuthClient | None = None) -> list[str]:
        return ["label"] if obj else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and OAuthClient.objects.filter(provider__in=clients.by_oauth()).count() < len(clients.by_oauth())

    @admin.display(description=gettext_lazy("provider"))
    def label(self, client: OAuthClient) -> str:
        config, _oauth = clients.by_oauth().get(client.provider, (None, None))
        return str(config.provider_label) if config else client.provider

    @admin.display(description=gettext_lazy("secret expires on"))
    def secret_ends(self, client: OAuthClient) -> str:
        if client.secret_expires_on is None:
            return "–"
        left, when = (client.secret_expires_on - timezone.localdate()).days, date_format(client.secret_expires_on, "SHORT_DATE_FORMAT")
        if left < 0:
            return _("%(when)s: expired!") % {"when": when}
        return _("%(when)s: in %(days)d days!") % {"when": when, "days": left} if left <= SOON else when

    @admin.display(description=gettext_lazy("problem"))
    def what_is_wrong(self, client: OAuthClient) -> str:
        return told(client.problem)

    def save_model(self, request: HttpRequest, obj: OAuthClient, form: Any, change: bool) -> None:
        clients.saved(obj, secret=form.cleaned_data.get("client_secret", ""))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/test/", view(require_POST(self.test)), name="integrations_oauthclient_test"),
            path("<int:pk>/steps/", view(require_safe(self.steps)), name="integrations_oauthclient_steps"),
        ]
        return own + super().get_urls()

    def _asked(self, request: HttpRequest, pk: int) -> OAuthClient:
        client = get_object_or_404(OAuthClient.objects.defer("secrets"), pk=pk)
        if not self.has_change_permission(request, client):
            raise PermissionDenied
        return client

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        clients.check_later(self._asked(request, pk))
        messages.info(request, _("The set-up is being tested."))
        return HttpResponseRedirect(reverse("admin:integrations_oauthclient_change", args=[pk]))

    def steps(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far the test is: asked for by htmx until it has ended."""
        return render(request, "integrations/admin/_client_steps.html", {"client": self._asked(request, pk)})

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        client = OAuthClient.objects.defer("secrets").filter(pk=object_id).first() if object_id and object_id.isdecimal() else None
        kinds = [(name, *both) for name, both in clients.by_oauth().items() if client is None or name == client.provider]
        guides = [
            {"provider": name, "label": config.provider_label, "template": oauth.guide, "redirect": clients.redirect_uri(oauth)}
            for name, config, oauth in kinds
        ]
        return super().changeform_view(request, object_id, form_url, (extra_context or {}) | {"client": client, "guides": guides})
