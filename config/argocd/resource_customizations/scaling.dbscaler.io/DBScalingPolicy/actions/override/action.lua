-- Sets the shape of the database for two hours, regardless of the load.
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

-- currentShape returns the number and the class of the instances of a pool, or nil while they differ. During an operation it is the
-- shape that the operation leads to.
local function currentShape(status, pool)
  local operation = obj.status.operation
  if operation ~= nil and operation.pool == pool then
    return operation.to.replicas, operation.to.instanceClass
  end
  if status == nil then
    return nil
  end
  local count, class = 0, nil
  for _, instance in ipairs(status.instances or {}) do
    if instance.instanceClass == nil or (class ~= nil and class ~= instance.instanceClass) then
      return nil
    end
    count, class = count + 1, instance.instanceClass
  end
  return count, class
end

-- chooseOverride returns the values of override-readers and override-writer: the larger shape that the operator wants and a guard
-- blocks, or otherwise the current shape of all that the policy covers.
local function chooseOverride()
  if obj.spec.serverless ~= nil then -- it has a range of capacity, and no shape that an annotation could set
    return nil, nil
  end
  local decision = obj.status.decision
  local larger = {ScaleUp = true, PredictiveScaleUp = true, BelowMinimum = true, BelowSchedule = true}
  if obj.status.operation == nil and decision ~= nil and larger[decision.reason] and decision.blockedBy ~= nil
      and decision.desired ~= nil and decision.desired.instanceClass ~= nil then
    if decision.pool == "Readers" then
      return decision.desired.replicas .. " x " .. decision.desired.instanceClass, nil
    elseif decision.pool == "Writer" then
      return nil, decision.desired.instanceClass
    end
  end
  local readers, writer
  if obj.spec.readers ~= nil then
    local count, class = currentShape(obj.status.readers, "Readers")
    if class ~= nil and count > 0 then
      readers = count .. " x " .. class
    end
  end
  if obj.spec.writer ~= nil then
    local _, class = currentShape(obj.status.writer, "Writer")
    writer = class
  end
  return readers, writer
end

if obj.status == nil then
  error("the shape of the database is not known yet", 0)
end
local readers, writer = chooseOverride()
if readers == nil and writer == nil then
  error("the instances have different classes, or are not known yet: set the annotations override-readers or override-writer, and "
    .. "override-until, with kubectl", 0)
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["scaling.dbscaler.io/override-readers"] = readers
obj.metadata.annotations["scaling.dbscaler.io/override-writer"] = writer
obj.metadata.annotations["scaling.dbscaler.io/override-until"] = inHours(2)
return obj
