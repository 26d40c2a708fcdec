"""Sentences that the ledger itself writes; scripts and the in-memory twin share them."""

CANCELED_UNSENT = "cancelled by a later close or cancel before it was sent"
