"""Faults: killed servers, misbehaving providers, full disks."""
