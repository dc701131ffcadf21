"""Figures that can be measured again: one script each."""
