"""Which static files are collected: those a page can ask for, not the sources of the libraries."""

from __future__ import annotations

from django.contrib.staticfiles.apps import StaticFilesConfig


class LeanStaticFilesConfig(StaticFilesConfig):
    # Source maps stay: the manifest needs every file that a stylesheet names.
    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "*.scss", "*.ts", "*.amd.js", "*.cjs", "*.cjs.js", "*.esm.js", "bootstrap-icons.json", "redoc"]
