"""Tests of kinds, transports, failures, the demo and the catalogue."""
