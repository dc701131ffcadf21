"""Other systems that are told of every booking. The secret goes in and never comes out."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.notifications.channels import Undeliverable
from integrations.channel import signing
from integrations.contract import ProviderError
from integrations.models import WebhookTarget
from integrations.told import told


class WebhookForm(forms.ModelForm):
    """A new one is offered a fresh secret to copy, which is stored with the rest and not shown again."""

    url = forms.URLField(label=gettext_lazy("Address"), max_length=500, assume_scheme="https", widget=AdminURLFieldWidget)
    secret = forms.CharField(label=gettext_lazy("Secret"), max_length=200)

    class Meta:
        model = WebhookTarget
        fields = ["name", "url", "secret", "is_active"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "secret" not in self.fields:  # shown to somebody who may only look
            return
        field = self.fields["secret"]
        if self.instance.pk:
            field.required = False
            field.widget = forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False)
            field.help_text = _("Stored encrypted and never shown again. Leave it empty to keep the one that is stored.")
        else:
            field.widget.attrs |= {"class": "vLargeTextField", "autocomplete": "off"}
            field.initial = signing.new_secret
            field.help_text = _("Copy it to the receiver now: it is stored encrypted and never shown again. The receiver checks the signature with it.")

    def clean_url(self) -> str:
        from integrations.wire.address import policy
        from integrations.wire.http import check  # with it comes an HTTP client

        url = str(self.cleaned_data["url"])
        try:
            check(url, policy())
        except ProviderError as error:
            raise forms.ValidationError([told(error), told(getattr(error, "hint", ""))]) from error
        return url

    def clean_secret(self) -> str:
        secret = str(self.cleaned_data["secret"]).strip()
        if secret or not self.instance.pk:
            try:
                signing.key_of(secret)
            except ValueError as error:
                raise forms.ValidationError(_("The secret must have at least 24 characters; after “whsec_” comes base64.")) from error
        return secret

    def save(self, commit: bool = True) -> Any:
        if secret := self.cleaned_data.get("secret"):
            self.instance.secrets = {"secret": secret}
        return super().save(commit)


@admin.register(WebhookTarget)
class WebhookTargetAdmin(admin.ModelAdmin):
    form = WebhookForm
    list_display = ["name", "url", "is_active", "created_at"]
    actions = ["try_out"]

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookTarget | None = None) -> list[str]:
        return ["name"] if obj else []

    @admin.action(description=gettext_lazy("Send a test"), permissions=["change"])
    def try_out(self, request: HttpRequest, queryset: QuerySet[WebhookTarget]) -> None:
        """At once, so that the receiver's set-up can be watched."""
        from integrations.channel.delivery import post

        for target in queryset:
            try:
                post(target, {"type": "test", "timestamp": timezone.now().isoformat(), "data": {}}, f"msg_test_{secrets.token_hex(8)}")
                self.message_user(request, _("%(name)s has taken the test.") % {"name": target})
            except (ProviderError, Undeliverable) as error:
                self.message_user(request, f"{target}: {told(error)}", messages.ERROR)
