"""The processes of the fleet: Celery app, bootstrap, bootsteps, local supervisor."""
