"""The official SDKs against a running AnyGPT."""
