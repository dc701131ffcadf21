"""No tables of its own; Django sends post_migrate (groups, schedule) only to apps that have this module."""
