"""Latency, throughput and memory of the fleet beside bare Celery, in one run on one machine."""
