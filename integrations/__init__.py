"""The harbour: everything that talks to other people's systems."""
