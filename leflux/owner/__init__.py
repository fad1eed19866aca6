"""The owner's side: accounts, access, privacy rules, appearance, retention and analytics."""
