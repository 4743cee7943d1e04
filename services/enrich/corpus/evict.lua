-- Take out the oldest articles. ARGV: how many at most. Returns how many, and how many are left.
-- Begins with a command that writes and needs no memory: Redis refuses nothing to a script after that.

redis.call('DEL', PREFIX .. ':none')
local state = PREFIX .. ':state'
local most, evicted, passed = tonumber(ARGV[1]), 0, 0
local head, last = tonumber(redis.call('HGET', state, 'head') or 1), tonumber(redis.call('HGET', state, 'seq') or 0)
while head <= last and evicted < most and passed < 1000 do
  local oldest = record_of(head)
  if oldest then
    remove(head, oldest)
    evicted = evicted + 1
  end
  head, passed = head + 1, passed + 1
end
redis.call('HSET', state, 'head', head)
return { evicted, math.max(last - head + 1, 0) }
