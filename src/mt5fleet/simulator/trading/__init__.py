"""Requests: what is refused, what is executed, and what the market itself sets off."""
