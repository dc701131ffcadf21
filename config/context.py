"""What every template knows: the company's name, and whether this is the demo."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    return {
        "company": settings.COMPANY,
        "site_url": settings.SITE_URL,
        "is_demo": settings.KALENDS_DEMO,
    }
