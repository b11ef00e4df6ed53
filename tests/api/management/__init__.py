"""The management API from outside."""
