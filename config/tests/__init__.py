"""Tests of the composition root: settings, architecture, demo."""
