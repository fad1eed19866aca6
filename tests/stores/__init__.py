"""Stores that earlier versions have written, and the tests that open them."""
