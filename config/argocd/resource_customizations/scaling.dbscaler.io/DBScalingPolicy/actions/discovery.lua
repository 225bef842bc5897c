-- Says which buttons the policy has, and which of them have an effect now.
local os = require("os")

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

local function condition(name)
  for _, c in ipairs(obj.status.conditions or {}) do
    if c.type == name and c.status == "True" then
      return c
    end
  end
end

if obj.status == nil then
  obj.status = {}
end
local annotations = obj.metadata.annotations or {}
local deleting = obj.metadata.deletionTimestamp ~= nil
local acts = (obj.spec.mode == "Enforce" or obj.spec.mode == "Approve") and not deleting
local now = os.date("!%Y-%m-%dT%H:%M:%SZ")

-- isSet reports whether the annotation that ends at a time may have an effect. Times in UTC sort like text. For others, and for invalid
-- ones, which count as a pause, the condition says it.
local function isSet(ends, name)
  return ends > now or condition(name) ~= nil
end

local pausedUntil = annotations["scaling.dbscaler.io/paused-until"]
local paused = pausedUntil ~= nil and isSet(pausedUntil, "Paused")
local overrideUntil = annotations["scaling.dbscaler.io/override-until"]
local hasOverride = overrideUntil ~= nil or annotations["scaling.dbscaler.io/override-readers"] ~= nil
  or annotations["scaling.dbscaler.io/override-writer"] ~= nil
local invalid = condition("Paused") ~= nil and condition("Paused").reason == "InvalidAnnotation"
local overridden = hasOverride and (invalid or overrideUntil == nil or isSet(overrideUntil, "Overridden"))

local decision = obj.status.decision or {}
local waits = false
for _, guard in ipairs(decision.blockedBy or {}) do
  waits = waits or guard == "ApprovalRequired"
end
waits = waits and decision.hash ~= nil and annotations["scaling.dbscaler.io/approve"] ~= decision.hash
local conflict = obj.status.ownership ~= nil and obj.status.ownership.conflict ~= nil

local approveText = "Approve"
local desired = decision.desired
if waits and desired ~= nil and desired.instanceClass ~= nil and obj.spec.serverless == nil then
  if decision.pool == "Readers" then
    approveText = "Approve: readers " .. desired.replicas .. " x " .. desired.instanceClass
  elseif decision.pool == "Writer" then
    approveText = "Approve: writer " .. desired.instanceClass
  end
end
local overrideText = "Override for 2 hours"
local readers, writer = chooseOverride()
local canOverride = acts and not paused and not overridden and not conflict and (readers ~= nil or writer ~= nil)
if canOverride then
  overrideText = overrideText .. ":" .. (readers ~= nil and " readers " .. readers or "")
    .. (readers ~= nil and writer ~= nil and "," or "") .. (writer ~= nil and " writer " .. writer or "")
end

return {
  ["pause"] = {["disabled"] = not acts or paused, ["displayName"] = "Pause for 8 hours", ["iconClass"] = "fa fa-fw fa-pause-circle"},
  ["resume"] = {["disabled"] = not paused or deleting, ["displayName"] = "Resume", ["iconClass"] = "fa fa-fw fa-play-circle"},
  ["approve"] = {["disabled"] = not waits or deleting, ["displayName"] = approveText, ["iconClass"] = "fa fa-fw fa-check-circle"},
  ["override"] = {["disabled"] = not canOverride, ["displayName"] = overrideText, ["iconClass"] = "fa fa-fw fa-lock"},
  ["end-override"] = {["disabled"] = not overridden or deleting, ["displayName"] = "End the override", ["iconClass"] = "fa fa-fw fa-unlock"},
  ["resolve-conflict"] = {["disabled"] = not conflict or deleting, ["displayName"] = "Resolve the ownership conflict",
    ["iconClass"] = "fa fa-fw fa-handshake"}
}
