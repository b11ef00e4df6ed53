"""Tests of the router editor's parts."""
