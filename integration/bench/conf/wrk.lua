-- wrk's figures as one line of JSON. With BENCH_BODY set each request is a POST of as many octets; with BENCH_FILES above 1
-- each is for one of as many files.
local size = tonumber(os.getenv("BENCH_BODY") or "0")
if size > 0 then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/octet-stream"
    wrk.body = string.rep("x", size)
end

local files = tonumber(os.getenv("BENCH_FILES") or "1")
if files > 1 then
    request = function()
        return wrk.format(nil, "/files/" .. math.random(0, files - 1) .. ".bin")
    end
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '\nBENCH {"requests": %d, "microseconds": %d, "octets": %d, "p50": %f, "p99": %f, "p999": %f, "max": %f, '
            .. '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
        latency:percentile(99.9) / 1000, latency.max / 1000, e.connect, e.read, e.write, e.status, e.timeout))
end
