"""The only writers of the shop."""
