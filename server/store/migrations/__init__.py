"""The schema's history: one file a step in `versions`, run by Alembic when a store is opened."""
