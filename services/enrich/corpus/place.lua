-- Find the neighbours of an article among those placed before it, choose its story, and record it.
-- Returns {story id, duplicates, similar}; a duplicate is {id, url, title, Jaccard as text}, a similar
-- article {id, url, title, score as text, vector}. One call is atomic, so two reports of one event that are
-- placed at the same moment still see each other.

local id, version, digest, at = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local url, title, own_story = ARGV[5], ARGV[6], ARGV[7]
local vector, bands, sketch = ARGV[8], ARGV[9], ARGV[10]
local now, window_s, max_articles = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local max_postings, half_life_s = tonumber(ARGV[14]), tonumber(ARGV[15])
local min_jaccard, min_similar, min_story = tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18])

local MAX_READ = 1200 -- postings read for candidates: what keeps a call under a millisecond
local MAX_CANDIDATES = 16 -- documents that the terms propose for an exact score
local SLACK = 64 -- postings over the cap before a list is cut: one rewrite for so many appends
local MAX_BAND = 16 -- newest documents of a band: boilerplate is shared by thousands
local MAX_LINKS = 5
local MIN_SHARED, MIN_SHARED_IN_STORY = 2, 3 -- terms in common: two short notes are alike by one word alone
local RARITY = 2000 -- a list of so many postings would tell nothing
local MAX_EVICTIONS = 4 -- per call and lane: keeps pace with arrivals and catches up after a pause, without a stall
local OLD_SHARE = 8 -- one in so many places is for old articles that are loaded beside today's
local STORY_MEMBERS = 3 -- members that vote on who joins: one alone makes chains of unlike articles

local function count(field) return tonumber(redis.call('HGET', STATE, field) or 0) end

-- The eras to look in. An era lasts six half-lives, and the nearer one of those beside it is read as well: of what
-- was published within three half-lives nothing is missed, and beyond that similarity is below an eighth.
local old = at < now - window_s
local era_s = 6 * half_life_s
local era_number = math.floor(at / era_s)
local beside = era_number + (at - era_number * era_s < era_s / 2 and -1 or 1)
local function era_of(number) return struct.pack('<I2', number % 65536) end
local own_era, eras = old and era_of(era_number) or '', {}
if at > now - era_s then eras[1] = '' end
if count('old_count') > 0 then
  eras[#eras + 1] = era_of(era_number)
  eras[#eras + 1] = era_of(beside)
end

-- Weights of the article's own terms by hash, and the dot product of its vector with another one
-- with the number of terms they share.
local vector_format = {}
local function terms_in(packed)
  local size = #packed / TERM_BYTES
  vector_format[size] = vector_format[size] or '<' .. ('I4I2'):rep(size)
  return { struct.unpack(vector_format[size], packed) }
end
local own, weight = terms_in(vector), {}
for i = 1, #own - 1, 2 do weight[own[i]] = own[i + 1] end
local function cosine(other)
  local parts, sum, shared = terms_in(other), 0, 0
  for i = 1, #parts - 1, 2 do
    local mine = weight[parts[i]]
    if mine then sum, shared = sum + mine * parts[i + 1], shared + 1 end
  end
  return sum / (65535 * 65535), shared
end

-- Jaccard similarity estimated from b-bit MinHash (Li and König 2010): equal bytes also come by chance.
-- The first byte is the version of the hash family; sketches of different families cannot be compared.
local sketch_bytes = { sketch:byte(2, -1) }
local function jaccard(other)
  if #other ~= #sketch or #sketch == 0 or other:byte(1) ~= sketch:byte(1) then return 0 end
  local equal, bytes = 0, { other:byte(2, -1) }
  for i = 1, #bytes do
    if bytes[i] == sketch_bytes[i] then equal = equal + 1 end
  end
  return math.max(0, (equal / #bytes - 1 / 256) / (1 - 1 / 256))
end

-- Keep the list `best` sorted by descending [1], then by descending document number [2].
local function keep(best, size, score, number, record)
  local last = best[size]
  if last and (score < last[1] or (score == last[1] and number < last[2])) then return end
  local place = math.min(#best + 1, size)
  while place > 1 and (best[place - 1][1] < score or (best[place - 1][1] == score and best[place - 1][2] < number)) do
    best[place] = best[place - 1]
    place = place - 1
  end
  best[place] = { score, number, record }
end

local function numbers_in(list) return { struct.unpack('<' .. ('I4'):rep(#list / 4), list) } end

-- Documents that share two terms or more: the article's heaviest and, in this corpus, rarest terms are read
-- first, until there are enough postings. Among 10,000 other articles (bench/corpus.py) that gives recall@5
-- .91; the shortest lists first, whatever the term weighs, gave .79.
local function candidates_by_term()
  local lists, value, order = {}, {}, {}
  for from = 1, #vector, TERM_BYTES do
    local here, postings = {}, 0
    for _, era in ipairs(eras) do
      local key = term_key(era, vector, from)
      local length = math.min(redis.call('STRLEN', key) / 4, max_postings)
      if length > 0 then here[#here + 1], postings = key, postings + length end
    end
    lists[#lists + 1] = here
    if postings > 0 then
      value[#lists] = own[2 * #lists] * math.log(RARITY / postings)
      order[#order + 1] = #lists
    end
  end
  table.sort(order, function(a, b) return value[a] > value[b] or (value[a] == value[b] and a < b) end)
  local sums, several, shared, left = {}, {}, {}, MAX_READ
  local function read(key, term_weight)
    local numbers = numbers_in(redis.call('GETRANGE', key, -4 * math.min(left, max_postings), -1))
    left = left - #numbers
    for k = 1, #numbers do
      local number = numbers[k]
      local sum = sums[number]
      if not sum then
        sums[number] = term_weight
      else
        sums[number] = sum + term_weight
        if not several[number] then
          several[number] = true
          shared[#shared + 1] = number
        end
      end
    end
  end
  for i = 1, #order do
    for _, key in ipairs(lists[order[i]]) do
      if left > 0 then read(key, own[2 * order[i]]) end
    end
  end
  local best = {}
  for i = 1, #shared do keep(best, MAX_CANDIDATES, sums[shared[i]], shared[i]) end
  return best
end

local function candidates()
  local found, numbers = {}, {}
  local function add(number)
    if not found[number] then
      found[number] = true
      numbers[#numbers + 1] = number
    end
  end
  for _, candidate in ipairs(candidates_by_term()) do add(candidate[2]) end
  for from = 1, #bands, BAND_BYTES do
    for _, era in ipairs(eras) do
      local list = redis.call('HGET', band_key(era, bands, from))
      if list then
        for _, number in ipairs(numbers_in(list:sub(-4 * MAX_BAND))) do add(number) end
      end
    end
  end
  return numbers
end

-- The story whose members are most like the article, on average over up to STORY_MEMBERS of them.
local function closest_story(scored)
  local likeness, votes = {}, {}
  for _, candidate in ipairs(scored) do
    local story = candidate[3][STORY]
    if candidate[3].shared >= MIN_SHARED_IN_STORY and (votes[story] or 0) < STORY_MEMBERS then
      votes[story] = (votes[story] or 0) + 1
      likeness[story] = (likeness[story] or 0) + candidate[1]
    end
  end
  local chosen, highest = nil, min_story
  for story, sum in pairs(likeness) do
    local mean = sum / math.max(1, math.min(STORY_MEMBERS, members(story)))
    if mean > highest or (mean == highest and (not chosen or story < chosen)) then
      chosen, highest = story, mean
    end
  end
  return chosen
end

local duplicates, scored = {}, {}
for _, number in ipairs(candidates()) do
  local record = record_of(number)
  if record and record[ID] ~= id then
    local likeness, shared = cosine(record[VECTOR])
    record.shared = shared
    -- Copies share their telling terms as well; an article without any has only its bands to go by.
    local same = (likeness > 0.2 or #vector == 0) and jaccard(record[SKETCH]) or 0
    if same >= min_jaccard then keep(duplicates, MAX_LINKS, same, number, record) end
    local score = likeness * 0.5 ^ (math.abs(record[AT] - at) / half_life_s)
    if score >= min_similar and shared >= MIN_SHARED then keep(scored, MAX_CANDIDATES, score, number, record) end
  end
end

local number = redis.call('HGET', id_key(id), id)
local known = number and record_of(number)
local gone = redis.call('GET', PREFIX .. ':g' .. id)
local stale = (gone and gone >= version and version ~= '') or (known and known[VERSION] > version)
local unchanged = known and known[DIGEST] == digest

local story
if known and (stale or unchanged or members(known[STORY]) > 1) then
  story = known[STORY] -- an article leaves its story for another only when it is alone in it
else
  story = (duplicates[1] and duplicates[1][3][STORY]) or closest_story(scored) or (known and known[STORY]) or own_story
  if story == own_story and not known and members(own_story) > 0 then
    -- It founded a story before, was forgotten, and has come back as something else.
    story = redis.sha1hex(own_story .. digest):sub(1, #own_story)
  end
end

if not stale and not unchanged then
  if known then remove(tonumber(number), known) end
  if max_articles > WIDE_FROM and redis.call('EXISTS', STATE) == 0 then
    redis.call('HSET', STATE, 'wide', '1')
    wide = true
  end
  local new = redis.call('HINCRBY', STATE, old and 'old_seq' or 'seq', 1)
  if old then
    redis.call('HINCRBY', STATE, 'old_count', 1)
    new = TOP - new
  end
  local packed = struct.pack('<I4', new)
  redis.call('HINCRBY', STATE, 'count', 1)
  redis.call('SET', PREFIX .. ':d' .. new,
    cmsgpack.pack({ id, url, title, at, story, version, digest, vector, bands, sketch, now, own_era }))
  redis.call('HSET', id_key(id), id, new)
  redis.call('HINCRBY', story_key(story), story, 1)
  for from = 1, #vector, TERM_BYTES do
    local key = term_key(own_era, vector, from)
    if redis.call('APPEND', key, packed) > 4 * (max_postings + SLACK) then
      redis.call('SET', key, redis.call('GETRANGE', key, -4 * max_postings, -1))
    end
  end
  for from = 1, #bands, BAND_BYTES do
    local key, band = band_key(own_era, bands, from)
    redis.call('HSET', key, band, ((redis.call('HGET', key, band) or '') .. packed):sub(-4 * MAX_BAND))
  end

  -- Today's articles have the same room whether or not old ones are loaded; those take what is left.
  local max_recent = max_articles - math.ceil(max_articles / OLD_SHARE)
  local function expired(record) return record[ARRIVED] < now - window_s end
  evict(false, MAX_EVICTIONS, 100, function(record)
    return expired(record) or count('count') - count('old_count') > max_recent
  end)
  if count('old_count') > 0 then
    evict(true, MAX_EVICTIONS, 100, function(record) return expired(record) or count('count') > max_articles end)
  end
end

local function described(links, extra)
  local reply = {}
  for i = 1, math.min(MAX_LINKS, #links) do
    local record = links[i][3]
    reply[i] = { record[ID], record[URL], record[TITLE], string.format('%.4f', links[i][1]), extra and record[extra] or '' }
  end
  return reply
end

local copies, others = {}, {}
for _, link in ipairs(duplicates) do copies[link[3][ID]] = true end
for _, link in ipairs(scored) do
  if not copies[link[3][ID]] then others[#others + 1] = link end
end
return { story, described(duplicates), described(others, VECTOR) }
