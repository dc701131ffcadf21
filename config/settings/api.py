"""The REST API: renderers, throttles, its description page."""

from __future__ import annotations

from config.settings import environment as env

__all__ = ["REST_FRAMEWORK", "SPECTACULAR_SETTINGS"]

# Scope -> rate per client address; "off" switches a scope off. A throttle hinders abuse; correctness never rests on it.
THROTTLES = {"read": "240/min", "slots": "120/min", "book": "30/min", "link": "60/min"}

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    # Each can be changed by THROTTLE_READ, THROTTLE_BOOK, …
    "DEFAULT_THROTTLE_RATES": {scope: env.text(f"THROTTLE_{scope.upper()}", rate) for scope, rate in THROTTLES.items()},
    # ClientAddressMiddleware has already put the real address into REMOTE_ADDR.
    "NUM_PROXIES": 0,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kalends",
    "DESCRIPTION": "Services, free slots, appointments and events.",
    "VERSION": "1",
    # Several things have a status, each with its own words.
    "ENUM_NAME_OVERRIDES": {
        "AppointmentStatus": "booking.models.Status",
        "EventStatus": "booking.models.Event.Status",
        "RegistrationStatus": "booking.models.Registration.Status",
        "MeetingStatus": "crm.models.Meeting.Status",
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    # Assets come from our own server, never from a CDN.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
