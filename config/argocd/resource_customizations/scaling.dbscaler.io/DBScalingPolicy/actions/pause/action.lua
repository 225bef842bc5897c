-- Pauses the policy for eight hours, about a shift.
local os = require("os")

-- inHours returns the time in so many hours, fewer than 24, in RFC 3339 and UTC. In Argo CD, os.date formats no other time than now in
-- UTC, and there is no string library.
local function inHours(hours)
  local t = os.date("!*t")
  t.hour = t.hour + hours
  if t.hour >= 24 then
    t.hour, t.day = t.hour - 24, t.day + 1
  end
  local days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
  if t.year % 4 == 0 and (t.year % 100 ~= 0 or t.year % 400 == 0) then
    days[2] = 29
  end
  if t.day > days[t.month] then
    t.day, t.month = 1, t.month + 1
  end
  if t.month > 12 then
    t.month, t.year = 1, t.year + 1
  end
  local function pad(n)
    return (n < 10 and "0" or "") .. n
  end
  return t.year .. "-" .. pad(t.month) .. "-" .. pad(t.day) .. "T" .. pad(t.hour) .. ":" .. pad(t.min) .. ":" .. pad(t.sec) .. "Z"
end

if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["scaling.dbscaler.io/paused-until"] = inHours(8)
return obj
