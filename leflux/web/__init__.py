"""HTTP: the visitor's calls, pages and scripts, health and metrics."""
