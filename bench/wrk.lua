-- Requests with one of many tokens each, or paced; prints what it measured as JSON.
-- Arguments: a file with one token a line, and the pause of each connection between requests in milliseconds (0: none).
local requests, pause, turn = {}, 0, 0

function init(args)
  pause = tonumber(args[2])
  for token in io.lines(args[1]) do
    wrk.headers["Authorization"] = "Bearer " .. token
    requests[#requests + 1] = wrk.format()
  end
  -- wrk takes a slower way as soon as these exist.
  if #requests > 1 then
    request = function()
      turn = turn % #requests + 1
      return requests[turn]
    end
  end
  if pause > 0 then
    delay = function() return pause end
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"refused":%d,"failed":%d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
