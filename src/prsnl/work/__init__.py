"""The job core: PostgreSQL decides, Celery carries."""
