local row, why = find()
if not row then return why end
return {'ok', redis.call('HMGET', KEYS[4], 'context', 'prior')}
