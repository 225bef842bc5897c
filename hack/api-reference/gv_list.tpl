{{- define "gvList" -}}
# API reference

Generated from the Go types by `make docs`. `kubectl explain dbscalingpolicy --recursive` shows the same fields.
{{ range . }}
{{ template "gvDetails" . }}
{{ end }}
{{- end -}}
