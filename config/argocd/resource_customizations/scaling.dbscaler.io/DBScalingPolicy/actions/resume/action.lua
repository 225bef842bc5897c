-- Ends the pause.
if obj.metadata.annotations ~= nil then
  obj.metadata.annotations["scaling.dbscaler.io/paused-until"] = nil
end
return obj
