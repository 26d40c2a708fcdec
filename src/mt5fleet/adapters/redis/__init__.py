"""The ledger on Redis or Valkey."""
