{{- define "gvList" -}}
# API reference

For authors of policies and of tools that read them: every field, its default and its bounds. Generated from the Go types by `make docs`. `kubectl explain dbscalingpolicy --recursive` shows the same fields.
{{ range . }}
{{ template "gvDetails" . }}
{{ end }}
{{- end -}}
