"""Channels that carry alerts to people: the log, and a webhook."""
