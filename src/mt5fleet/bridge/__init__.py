"""The process beside a terminal: one host process, one child per account."""
