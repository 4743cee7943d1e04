-- Take out the oldest articles, first those that were old when they came. ARGV: how many at most.
-- Returns how many, and how many are left.
-- Begins with a command that writes and needs no memory: Redis refuses nothing to a script after that.

redis.call('DEL', PREFIX .. ':none')
local function any() return true end
local most = tonumber(ARGV[1])
local evicted = evict(true, most, 1000, any)
if evicted < most then evicted = evicted + evict(false, most - evicted, 1000, any) end
return { evicted, tonumber(redis.call('HGET', STATE, 'count') or 0) }
