"""Passwords, secrets, gateway keys, permissions."""
