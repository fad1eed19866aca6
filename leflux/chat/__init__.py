"""The conversation as whole operations: start, restore, join, say, leave and erase. No socket and no HTTP."""
