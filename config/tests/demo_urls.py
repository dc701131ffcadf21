"""The project's addresses with the demo's added, as KALENDS_DEMO adds them."""

from __future__ import annotations

from django.urls import include, path

from config.urls import urlpatterns as ordinary

urlpatterns = [path("demo/", include("config.demo.urls")), *ordinary]
