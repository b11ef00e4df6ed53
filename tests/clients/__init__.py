"""Clients that are built on the SDKs, each from its own environment: LangChain and the `llm` command line."""
