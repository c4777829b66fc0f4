"""Deliveries: what webhooks are told, from the row in Postgres to how it ended."""

from workers.deliveries.rows import NewDelivery, add, stir

__all__ = ["NewDelivery", "add", "stir"]
