-- Take an article out, and keep versions up to the given one out from now on.
-- ARGV: article id, version ('' keeps nothing out), seconds to remember that. Returns 1 if it was there.

local id, version, remember_s = ARGV[1], ARGV[2], ARGV[3]

-- A takedown must go on when memory is full: after a command that writes, Redis refuses nothing to a script.
redis.call('DEL', PREFIX .. ':none')

if version ~= '' then
  local gone = PREFIX .. ':g' .. id
  if (redis.call('GET', gone) or '') < version then redis.call('SET', gone, version, 'EX', remember_s) end
end
local number = redis.call('HGET', id_key(id), id)
local record = number and record_of(number)
if not record or (version ~= '' and record[VERSION] > version) then return 0 end
remove(tonumber(number), record)
return 1
