"""Assembles, starts, supervises and stops a serving process."""
