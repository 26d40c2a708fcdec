"""Clocks, fakes and builders for our tests and for those of people who build on the fleet."""
