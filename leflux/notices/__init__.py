"""Tells a site's owner what happens in conversations: an outbox in the settings store, and what delivers it."""
