"""The demo's mail page: what the installation has sent, instead of a mail server."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.demo.mail import read_all


@require_safe
@never_cache
def mail_list(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/mail_list.html", {"mails": read_all(Path(settings.EMAIL_FILE_PATH))})


@require_safe
@never_cache
def mail(request: HttpRequest, key: str) -> HttpResponse:
    for found in read_all(Path(settings.EMAIL_FILE_PATH)):
        if found.key == key:
            return render(request, "demo/mail.html", {"mail": found})
    raise Http404
