-- Ends an ownership conflict. Any value other than the one at the beginning of the conflict does.
local os = require("os")

if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["scaling.dbscaler.io/resolve-conflict"] = tostring(os.time())
return obj
