"""Checks of the source tree that no other tool makes; `make check` runs them with `python -m tests.house`."""
