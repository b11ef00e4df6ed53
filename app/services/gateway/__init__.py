"""The way of a request: admission, plan, attempts, answer, ledger."""
