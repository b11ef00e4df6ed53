"""What an embedding is for, in Gemini's words (the core's) and in the words of others."""

from __future__ import annotations

_TASKS = {
    "search_query": "RETRIEVAL_QUERY",
    "query": "RETRIEVAL_QUERY",
    "search_document": "RETRIEVAL_DOCUMENT",
    "document": "RETRIEVAL_DOCUMENT",
    "passage": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
_INPUT_TYPES = {
    "RETRIEVAL_QUERY": "search_query",
    "QUESTION_ANSWERING": "search_query",
    "FACT_VERIFICATION": "search_query",
    "CODE_RETRIEVAL_QUERY": "search_query",
    "RETRIEVAL_DOCUMENT": "search_document",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
}
DEFAULT_INPUT_TYPE = "search_document"


def task_of(input_type: str | None) -> str | None:
    """The task behind an `input_type`, which Cohere made and other servers took over."""
    return _TASKS.get((input_type or "").lower())


def input_type_of(task: str | None) -> str | None:
    """Cohere's word; None where it has none."""
    return _INPUT_TYPES.get((task or "").upper())
