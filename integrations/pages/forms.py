"""Forms for connecting an account and choosing its calendars. A password is never shown again, not even after a mistake."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from booking.models import BusySource
from integrations.models import Account, Link

NEW = "new"
# Hosts of Microsoft's own mail service: no CalDAV, and its EWS is switched off from October 2026 on.
MICROSOFT = ("office365.com", "office.com", "outlook.com", "outlook.de", "hotmail.com", "live.com", "office365.us", "partner.outlook.cn")
PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "form-control"})


def not_over(day: date) -> None:
    if day < timezone.localdate():
        raise forms.ValidationError(_("This day is over."))


def ends_on_field() -> forms.DateField:
    return forms.DateField(
        validators=[not_over],
        label=_("Last day of the password"),
        required=False,
        help_text=_("Only if it ends by itself: you get a mail 30, 14 and 3 days before."),
        widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
    )


class ConnectForm(forms.Form):
    """What a calendar server wants to know."""

    server = forms.CharField(
        label=_("Address of the server"),
        max_length=500,
        help_text=_("As your provider gives it, such as https://cloud.example.org or caldav.example.org. The rest is found by itself."),
        widget=forms.TextInput(attrs={"class": "form-control", "inputmode": "url", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Please enter the address of the calendar server.")},
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        help_text=_("Often your e-mail address."),
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Please enter your user name there.")},
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=500,
        strip=False,
        widget=PASSWORD,
        help_text=_("If you sign in there with a second factor, create an app password for this."),
        error_messages={"required": _("Please enter the password.")},
    )

    ends_on = ends_on_field()

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(dict(data.items()) if data is not None else None, **options)

    def clean_server(self) -> str:
        typed = self.cleaned_data["server"]
        address = typed if "://" in typed else f"https://{typed}"
        try:
            parts = urlsplit(address)
            known = parts.hostname and parts.port is not False
        except ValueError:
            known = None
        if not known or parts.scheme not in ("http", "https") or any(sign.isspace() for sign in address):
            raise forms.ValidationError(_("This is no web address. It looks like https://cloud.example.org."))
        if (parts.hostname or "").endswith(MICROSOFT):
            raise forms.ValidationError(_("Mailboxes at Microsoft can't be reached with a password. Please connect them as Outlook."))
        if "@" in parts.netloc:
            # Nor may a password typed into the address come back on the page.
            self.data = {**self.data, "server": urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))}
            raise forms.ValidationError(_("Please leave user name and password out of the address; there are fields for them below."))
        try:
            forms.URLField(assume_scheme="https").clean(address)
        except forms.ValidationError:
            if "." in (parts.hostname or ""):
                raise forms.ValidationError(_("This is no web address. It looks like https://cloud.example.org.")) from None
        return address


class PasswordForm(forms.Form):
    password = forms.CharField(
        label=_("New password"), max_length=500, strip=False, widget=PASSWORD, error_messages={"required": _("Please enter the password.")}
    )
    ends_on = ends_on_field()


class ChoiceForm(forms.Form):
    """Which remote calendars are read, and into which one is written."""

    reads = forms.MultipleChoiceField(required=False, error_messages={"invalid_choice": _("One of these calendars is no longer there. Please choose again.")})
    writes = forms.ChoiceField(required=False, error_messages={"invalid_choice": _("This calendar can't be written to. Please choose another one.")})

    def __init__(self, *args: Any, account: Account, can_create: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reads"].choices = [(one["id"], one["name"]) for one in account.calendars]  # type: ignore[attr-defined]
        writable = [(one["id"], one["name"]) for one in account.calendars if one["writable"]]
        self.fields["writes"].choices = [("", ""), *([(NEW, "")] if can_create else []), *writable]  # type: ignore[attr-defined]


class LinkForm(forms.Form):
    """How one read calendar counts, and what holds while it can't be read."""

    honour = forms.ChoiceField(label=_("What counts as busy"), choices=Link.Honour.choices, widget=forms.RadioSelect)
    policy = forms.ChoiceField(label=_("When it can't be read"), choices=BusySource.Policy.choices, widget=forms.RadioSelect)
