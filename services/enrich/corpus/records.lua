-- What place.lua and forget.lua have in common; each script is this file followed by its own.
--
-- All keys begin with KEYS[1], the prefix {corpus}, so on Redis Cluster they share a slot:
--   :state        hash: seq (latest document number), head (oldest that may be live), count (live ones)
--   :d<number>    record of a document, msgpack (fields below)
--   :i<bucket>    hash: article id -> document number
--   :s<bucket>    hash: story id -> number of its members
--   :t<term>      posting list: document numbers in order of arrival
--   :b<bucket>    hash: LSH band -> posting list
--   :g<id>        version of a forgotten article, with a time to live
-- Document numbers are 4 bytes each in a posting list, terms 4-byte hashes. A list is a string and
-- not a sorted set: 256 postings take 1.3 KB against 24.8 KB (MEMORY USAGE, Redis 7.0.15), and
-- the numbers already are in order of arrival. Hashes are split into buckets small enough for
-- Redis to keep them as listpacks.

local PREFIX = KEYS[1]
local ID, URL, TITLE, AT, STORY, VERSION, DIGEST, VECTOR, BANDS, SKETCH, ARRIVED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local TERM_BYTES, BAND_BYTES = 6, 6

local function id_key(id) return PREFIX .. ':i' .. id:sub(1, 3) end
local function story_key(story) return PREFIX .. ':s' .. story:sub(1, 3) end
local function term_key(vector, at) return PREFIX .. ':t' .. vector:sub(at, at + 3) end
local function band_key(bands, at) return PREFIX .. ':b' .. bands:sub(at, at + 1), bands:sub(at + 2, at + 5) end

local function record_of(number)
  local packed = redis.call('GET', PREFIX .. ':d' .. number)
  return packed and cmsgpack.unpack(packed)
end

-- The posting list without a document number, or nil if it was not there.
local function without(list, packed)
  local from = list:find(packed, 1, true)
  while from and (from - 1) % 4 ~= 0 do from = list:find(packed, from + 1, true) end
  return from and list:sub(1, from - 1) .. list:sub(from + 4)
end

local function members(story) return tonumber(redis.call('HGET', story_key(story), story) or 0) end

local function remove(number, record)
  local packed = struct.pack('<I4', number)
  local keys, kept, emptied = {}, {}, {}
  for at = 1, #record[VECTOR], TERM_BYTES do keys[#keys + 1] = term_key(record[VECTOR], at) end
  for i, list in ipairs(#keys > 0 and redis.call('MGET', unpack(keys)) or {}) do
    local rest = list and without(list, packed)
    if rest == '' then
      emptied[#emptied + 1] = keys[i]
    elseif rest then
      kept[#kept + 1], kept[#kept + 2] = keys[i], rest
    end
  end
  if #kept > 0 then redis.call('MSET', unpack(kept)) end
  if #emptied > 0 then redis.call('DEL', unpack(emptied)) end
  for at = 1, #record[BANDS], BAND_BYTES do
    local key, band = band_key(record[BANDS], at)
    local rest = without(redis.call('HGET', key, band) or '', packed)
    if rest == '' then redis.call('HDEL', key, band) elseif rest then redis.call('HSET', key, band, rest) end
  end
  if redis.call('HINCRBY', story_key(record[STORY]), record[STORY], -1) <= 0 then
    redis.call('HDEL', story_key(record[STORY]), record[STORY])
  end
  redis.call('HDEL', id_key(record[ID]), record[ID])
  redis.call('DEL', PREFIX .. ':d' .. number)
  redis.call('HINCRBY', PREFIX .. ':state', 'count', -1)
end
