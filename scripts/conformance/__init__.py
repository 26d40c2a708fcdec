"""Shows that the simulator behaves as the real module: names, rules, faults, and programs of other people."""
