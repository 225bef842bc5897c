-- Approves the change that the policy proposes now, and no other: the hash of another change is another one.
local decision = obj.status ~= nil and obj.status.decision or nil
if decision == nil or decision.hash == nil then
  error("the policy proposes no change that could be approved", 0)
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["scaling.dbscaler.io/approve"] = decision.hash
return obj
