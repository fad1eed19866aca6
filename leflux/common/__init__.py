"""Helpers for every room: durations, logging, recurring work."""
