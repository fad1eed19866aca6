"""`agent.kind: openai`: answers with any OpenAI-compatible endpoint."""
