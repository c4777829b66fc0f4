"""Why the settings cannot be used."""


class SettingsError(Exception):
    """The settings cannot be used; the message says which and why, one a line."""
