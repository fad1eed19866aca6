"""Sites: the registry, the Origin gate, rate limits and crawled pages."""
