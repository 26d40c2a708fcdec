"""Thin Celery tasks: unpack, one service call, plain values back."""
