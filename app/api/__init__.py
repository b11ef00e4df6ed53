"""HTTP: gateway endpoints and management endpoints."""
