"""The locks of the Python packages: written by `make lock`, checked by `make check`. Why: docs/decisions/lock.md."""
