-- What place.lua and forget.lua have in common; each script is this file followed by its own.
--
-- All keys begin with KEYS[1], the prefix {corpus}, so on Redis Cluster they share a slot:
--   :state          hash: seq and old_seq (how many numbers each lane has given out), head and old_head (the
--                   first that may be live), count (live ones), old_count (those of the old lane), wide
--   :d<number>      record of a document, msgpack (fields below)
--   :i<bucket>      hash: article id -> document number
--   :s<bucket>      hash: story id -> number of its members
--   :t<era><term>   posting list: document numbers in order of arrival
--   :b<era><bucket> hash: LSH band -> posting list
--   :g<id>          version of a forgotten article, with a time to live
-- Document numbers are 4 bytes each in a posting list, terms 4-byte hashes. A list is a string and
-- not a sorted set: 256 postings take 1.3 KB against 24.8 KB (MEMORY USAGE, Redis 7.0.15), and
-- the numbers already are in order of arrival. Hashes are split into buckets small enough for
-- Redis to keep them as listpacks (128 entries): a corpus begun for more than WIDE_FROM articles is `wide`
-- and has sixteen times the buckets.
--
-- Articles that were published before the window when they came are the old lane. They have lists of their own,
-- by era of publication, so that years of old articles, loaded today, push none of today's out of a list;
-- they are numbered from the top down and have a head of their own, so that they give way before any others.
-- The era of all others is ''.

local PREFIX = KEYS[1]
local ID, URL, TITLE, AT, STORY, VERSION, DIGEST, VECTOR, BANDS, SKETCH, ARRIVED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local ERA = 12
local TERM_BYTES, BAND_BYTES = 6, 6
local WIDE_FROM = 400000
local TOP = 4294967295 -- what 4 bytes hold; the old lane has the upper half of the numbers
local STATE = PREFIX .. ':state'
local wide = redis.call('HGET', STATE, 'wide') == '1'

local function is_old(number) return number > TOP / 2 end

local function id_bucket(id) return id:sub(1, wide and 4 or 3) end
local function id_key(id) return PREFIX .. ':i' .. id_bucket(id) end
local function story_key(story) return PREFIX .. ':s' .. id_bucket(story) end
local function term_key(era, vector, at) return PREFIX .. ':t' .. era .. vector:sub(at, at + 3) end
local function band_key(era, bands, at)
  local more = wide and string.char(math.floor(bands:byte(at + 2) / 16)) or ''
  return PREFIX .. ':b' .. era .. bands:sub(at, at + 1) .. more, bands:sub(at + 2, at + 5)
end

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
  local packed, era = struct.pack('<I4', number), record[ERA] or ''
  local keys, kept, emptied = {}, {}, {}
  for at = 1, #record[VECTOR], TERM_BYTES do keys[#keys + 1] = term_key(era, record[VECTOR], at) end
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
    local key, band = band_key(era, record[BANDS], at)
    local rest = without(redis.call('HGET', key, band) or '', packed)
    if rest == '' then redis.call('HDEL', key, band) elseif rest then redis.call('HSET', key, band, rest) end
  end
  if redis.call('HINCRBY', story_key(record[STORY]), record[STORY], -1) <= 0 then
    redis.call('HDEL', story_key(record[STORY]), record[STORY])
  end
  redis.call('HDEL', id_key(record[ID]), record[ID])
  redis.call('DEL', PREFIX .. ':d' .. number)
  redis.call('HINCRBY', STATE, 'count', -1)
  if is_old(number) then redis.call('HINCRBY', STATE, 'old_count', -1) end
end

-- Take out the oldest of a lane while `leaves(record)`, at most `most` of them and passing over at most
-- `most_passed` numbers. Returns how many.
local function evict(old, most, most_passed, leaves)
  local seq_field, head_field = old and 'old_seq' or 'seq', old and 'old_head' or 'head'
  local head = tonumber(redis.call('HGET', STATE, head_field) or 1)
  local last = tonumber(redis.call('HGET', STATE, seq_field) or 0)
  local first, evicted, passed = head, 0, 0
  while head <= last and evicted < most and passed < most_passed do
    local number = old and TOP - head or head
    local oldest = record_of(number)
    if oldest then
      if not leaves(oldest) then break end
      remove(number, oldest)
      evicted = evicted + 1
    end
    head, passed = head + 1, passed + 1
  end
  if head > first then redis.call('HSET', STATE, head_field, head) end
  return evicted
end
