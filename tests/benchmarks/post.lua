-- What wrk asks, and how it tells what it saw: the arguments are the path and a file with the body.
function init(args)
  local file = io.open(args[2], "rb")
  wrk.method = "POST"
  wrk.path = args[1]
  wrk.body = file:read("*a")
  wrk.headers["Content-Type"] = "application/json"
  file:close()
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "bad_statuses": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
