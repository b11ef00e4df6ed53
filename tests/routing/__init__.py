"""Rules, plans, strategies and breakers."""
