"""Benchmarks: ratios to a bare relay, in one run on the same core. Run: python -m tests.bench"""
