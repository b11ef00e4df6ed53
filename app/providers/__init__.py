"""Upstreams: kinds as rows, the HTTP client, adapters where a protocol needs code."""
