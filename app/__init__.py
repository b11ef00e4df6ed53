"""AnyGPT: gateway, chat and dashboard in one process."""
