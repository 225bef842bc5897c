-- Health is whether the policy is in force, not whether the database is at rest. An operation begins when the load changes,
-- not when Git does, and may take an hour: it is Healthy, or each would hold up sync waves and raise a notification.
-- A policy in Recommend mode, or paused, does all that it is asked to do, so it is Healthy and not Suspended.

local function condition(name)
  for _, c in ipairs(obj.status.conditions or {}) do
    if c.type == name then
      return c
    end
  end
end

-- describe joins a reason and a message, either of which may be missing.
local function describe(prefix, said, fallback)
  if said == nil or said.message == nil or said.message == "" then
    return prefix .. fallback
  end
  if said.reason == nil or said.reason == "" then
    return prefix .. said.message
  end
  return prefix .. said.reason .. ": " .. said.message
end

local hs = {status = "Progressing", message = "Waiting for dbscaler to look at the policy"}
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration == nil or obj.status.observedGeneration < obj.metadata.generation then
  hs.message = "Waiting for dbscaler to look at the new spec"
  return hs
end

local stalled = condition("Stalled")
if stalled ~= nil and stalled.status == "True" then
  hs.status = "Degraded"
  hs.message = describe("", stalled, "Nothing will change until somebody does something")
  return hs
end

local ready = condition("Ready")
if ready == nil or ready.status == "Unknown" then
  hs.message = describe("", ready, hs.message)
  return hs
end
if ready.status ~= "True" then
  hs.status = "Degraded"
  hs.message = describe("", ready, "The policy is not in force")
  return hs
end

hs.status = "Healthy"
local prefix = ""
if obj.spec.mode == "Recommend" then
  prefix = "Recommend mode, nothing is changed. "
end
local paused = condition("Paused")
if paused ~= nil and paused.status == "True" then
  hs.message = describe("", paused, "A person holds everything back")
  return hs
end
local limited = condition("ScalingLimited")
if limited ~= nil and limited.status == "True" then
  hs.message = describe(prefix .. "Held back by ", limited, "a guard")
  return hs
end
hs.message = describe(prefix, obj.status.decision, "The policy is in force")
return hs
