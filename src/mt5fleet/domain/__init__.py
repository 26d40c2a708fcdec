"""Pure decisions and values: no clock, no network, no framework."""
