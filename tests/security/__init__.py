"""Tests of app/security."""
