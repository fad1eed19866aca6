"""Acting on the visitor's page: a ledger of steps that survives reloads, crashes and takeovers."""
