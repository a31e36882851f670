#!lua name=atomicx1
-- SPDX-License-Identifier: MIT
-- What must happen in one step, on the server. docs/cluster.md says why this is enough.
--
-- The keys of an event, all of one hash slot:
--   free    list   ranges "lo hi" of tickets that nobody has, hi excluded
--   leases  hash   nonce -> "lo hi k": tickets lo to k-1 are sold, k to hi-1 the holder may still sell
--   expiry  zset   nonce by the time (this server's clock, ms) after which anybody may take the rest away
--   orders  hash   order -> ticket: what is sold, to whom
--   total   string the number of tickets; its absence means that the event is not there yet
--
-- A lease that is not in `leases` is fenced: nothing can be committed to it. Time is looked at by reap alone.

local function milliseconds()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function range(text)
    local lo, hi, k = string.match(text, '^(%d+) (%d+) ?(%d*)$')
    return tonumber(lo), tonumber(hi), tonumber(k)
end

local function remove_lease(keys, nonce, hi, k)
    redis.call('HDEL', keys[2], nonce)
    redis.call('ZREM', keys[3], nonce)
    if k < hi then -- sold next, so that ranges stay few
        redis.call('LPUSH', keys[1], string.format('%d %d', k, hi))
    end
end

local function reap_expired(keys)
    for _, nonce in ipairs(redis.call('ZRANGEBYSCORE', keys[3], '-inf', milliseconds())) do
        local _, hi, k = range(redis.call('HGET', keys[2], nonce))
        remove_lease(keys, nonce, hi, k)
    end
end

-- capacity -> an error, or nothing once the event is there with this capacity
local function ensure(keys, capacity)
    local total = redis.call('GET', keys[5])
    if not total then
        redis.call('SET', keys[5], capacity)
        redis.call('RPUSH', keys[1], '0 ' .. capacity)
    elseif total ~= capacity then
        return redis.error_reply('AXCAPACITY the event has ' .. total .. ' tickets')
    end
end

-- nonce capacity want ttl -> {lo, hi, k}, {} when sold out, {n} when nothing is free but n leases are open.
-- Asked again with the same nonce it answers the same.
local function lease(keys, args)
    local nonce, want, ttl = args[1], tonumber(args[3]), tonumber(args[4])
    local wrong = ensure(keys, args[2])
    if wrong then
        return wrong
    end
    local held = redis.call('HGET', keys[2], nonce)
    if held then
        return { range(held) }
    end
    reap_expired(keys)
    local text = redis.call('LPOP', keys[1])
    if not text then
        local open = redis.call('HLEN', keys[2])
        return open > 0 and { open } or {}
    end
    local lo, hi = range(text)
    local most = lo + math.min(want, math.ceil((hi - lo) / 4)) -- near the end nobody sits on all the rest
    if most < hi then
        redis.call('LPUSH', keys[1], string.format('%d %d', most, hi))
    end
    redis.call('HSET', keys[2], nonce, string.format('%d %d %d', lo, most, lo))
    redis.call('ZADD', keys[3], milliseconds() + ttl, nonce)
    return { lo, most, lo }
end

local function fenced(keys, orders)
    local found = { -1 }
    for first = 1, #orders, 16 do
        local has = redis.call('HGET', keys[4], string.sub(orders, first, first + 15))
        if has then
            found[#found + 1] = (first - 1) / 16
            found[#found + 1] = tonumber(has)
        end
    end
    return found
end

-- nonce lo from upto ttl orders -> {0, position, ticket, ...} for each order that has another ticket than asked
-- for. Tickets lo to upto-1 are sold afterwards; `orders` are the 16-byte ids of the buyers of from to upto-1.
-- An order that has a ticket keeps it, and what was meant for it is free.
-- {-1, position, ticket, ...} when the lease is gone: nothing changes, and these orders have tickets.
local function commit(keys, args)
    local nonce, from, upto, ttl, orders = args[1], tonumber(args[3]), tonumber(args[4]), tonumber(args[5]), args[6]
    local held = redis.call('HGET', keys[2], nonce)
    local lo, hi, k
    if held then
        lo, hi, k = range(held)
    end
    if lo ~= tonumber(args[2]) or upto > hi then
        return fenced(keys, orders)
    end
    local others = { 0 }
    for ticket = from, upto - 1 do
        local first = (ticket - from) * 16 + 1
        local order = string.sub(orders, first, first + 15)
        if ticket < k or redis.call('HSETNX', keys[4], order, ticket) == 0 then
            local has = tonumber(redis.call('HGET', keys[4], order))
            if has ~= ticket then
                others[#others + 1] = ticket - from
                others[#others + 1] = has
                if ticket >= k then
                    redis.call('RPUSH', keys[1], string.format('%d %d', ticket, ticket + 1))
                end
            end
        end
    end
    k = math.max(k, upto)
    if k == hi then
        remove_lease(keys, nonce, hi, k)
    else -- also when nothing changed: a WAIT that follows must have a write of this connection to wait for
        redis.call('HSET', keys[2], nonce, string.format('%d %d %d', lo, hi, k))
        redis.call('ZADD', keys[3], milliseconds() + ttl, nonce)
    end
    return others
end

-- capacity -> {total, sold, free, leased}, each counted from where it is kept
local function reap(keys, args)
    local wrong = ensure(keys, args[1])
    if wrong then
        return wrong
    end
    reap_expired(keys)
    local free, leased = 0, 0
    for _, text in ipairs(redis.call('LRANGE', keys[1], 0, -1)) do
        local lo, hi = range(text)
        free = free + hi - lo
    end
    for _, text in ipairs(redis.call('HVALS', keys[2])) do
        local _, hi, k = range(text)
        leased = leased + hi - k
    end
    return { tonumber(redis.call('GET', keys[5])), redis.call('HLEN', keys[4]), free, leased }
end

-- nonce -> 1, or 0 when the lease is gone already
local function release(keys, args)
    local held = redis.call('HGET', keys[2], args[1])
    if not held then
        return 0
    end
    local _, hi, k = range(held)
    remove_lease(keys, args[1], hi, k)
    return 1
end

-- totals (a hash, nonce -> total, and "" -> their sum): nonce total -> the sum, as text.
-- A nonce's total never falls, so that publishing it again, or late, changes nothing.
local function publish(keys, args)
    local before = tonumber(redis.call('HGET', keys[1], args[1]) or '0')
    local more = tonumber(args[2]) - before
    if more > 0 then
        redis.call('HSET', keys[1], args[1], args[2])
        redis.call('HINCRBY', keys[1], '', string.format('%d', more))
    end
    return redis.call('HGET', keys[1], '') or '0'
end

-- window (a hash: start of the current window, units granted in it): limit window want -> {granted, ms left}.
-- A clock that is set back finds the later window and its units still there.
local function quota(keys, args)
    local limit, length, want = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
    local now = milliseconds()
    local start = math.floor(now / length) * length
    local current = tonumber(redis.call('HGET', keys[1], 'start') or '-1')
    local granted = tonumber(redis.call('HGET', keys[1], 'granted') or '0')
    if start > current then
        current, granted = start, 0
    end
    local grant = math.max(0, math.min(want, limit - granted))
    redis.call('HSET', keys[1], 'start', string.format('%d', current), 'granted', string.format('%d', granted + grant))
    return { grant, math.min(length, current + length - now) }
end

redis.register_function('ax1_lease', lease)
redis.register_function('ax1_commit', commit)
redis.register_function('ax1_reap', reap)
redis.register_function('ax1_release', release)
redis.register_function('ax1_publish', publish)
redis.register_function('ax1_quota', quota)
