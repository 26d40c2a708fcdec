"""What the fleet is told: settings, Celery options, queues, schedule, logging. Nothing is read at import."""
