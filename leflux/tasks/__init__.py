"""Tasks that act on the visitor's page. Their steps survive reloads, crashes and takeovers."""
