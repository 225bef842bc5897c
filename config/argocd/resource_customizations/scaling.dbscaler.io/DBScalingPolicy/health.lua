-- Health reports whether the policy is in force, not whether the database is idle. An operation starts when the load changes,
-- not when Git changes, and may take an hour. It is Healthy, because otherwise each operation would delay sync waves and send
-- a notification. A policy in Recommend mode, or a paused policy, does what it is asked to do: it is Healthy and not Suspended.

local function condition(name)
  for _, c in ipairs(obj.status.conditions or {}) do
    if c.type == name then
      return c
    end
  end
end

-- describe joins a prefix with the reason and message of a condition or decision, or with the fallback if there is no message.
local function describe(prefix, source, fallback)
  if source == nil or source.message == nil or source.message == "" then
    return prefix .. fallback
  end
  if source.reason == nil or source.reason == "" then
    return prefix .. source.message
  end
  return prefix .. source.reason .. ": " .. source.message
end

local hs = {status = "Progressing", message = "Waiting for dbscaler to reconcile the policy"}
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration == nil or obj.status.observedGeneration < obj.metadata.generation then
  hs.message = "Waiting for dbscaler to reconcile the new spec"
  return hs
end

local stalled = condition("Stalled")
if stalled ~= nil and stalled.status == "True" then
  hs.status = "Degraded"
  hs.message = describe("", stalled, "The policy cannot make progress until a person acts")
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
  hs.message = describe("", paused, "The policy is paused")
  return hs
end
local limited = condition("ScalingLimited")
if limited ~= nil and limited.status == "True" then
  hs.message = describe(prefix .. "Blocked by ", limited, "a guard")
  return hs
end
hs.message = describe(prefix, obj.status.decision, "The policy is in force")
return hs
