-- Ends the override: scaling follows the load again.
if obj.metadata.annotations ~= nil then
  obj.metadata.annotations["scaling.dbscaler.io/override-readers"] = nil
  obj.metadata.annotations["scaling.dbscaler.io/override-writer"] = nil
  obj.metadata.annotations["scaling.dbscaler.io/override-until"] = nil
end
return obj
