"""Shipped facts: kinds of provider, catalogue snapshot, demo answers."""
