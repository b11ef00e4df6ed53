"""Tables by topic; importing this package makes the metadata complete."""

from app.db.tables import audit, chats, keys, ledger, people, prices, providers, routers, settings, statistics

__all__ = ["audit", "chats", "keys", "ledger", "people", "prices", "providers", "routers", "settings", "statistics"]
