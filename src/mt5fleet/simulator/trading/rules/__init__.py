"""The single rules a request is judged by; `checks.py` says which apply and in which order."""
