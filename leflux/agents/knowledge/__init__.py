"""`agent.kind: knowledge`: answers from the crawled pages of the site."""
