-- KEYS: 1 a session's outbox. ARGV: the seqs that the log has stored.
for _, seq in ipairs(ARGV) do redis.call('ZREMRANGEBYSCORE', KEYS[1], seq, seq) end
return redis.call('ZCARD', KEYS[1])
