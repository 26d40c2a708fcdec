"""The broker as a process: connections, terminals, journal, faults and commands."""
