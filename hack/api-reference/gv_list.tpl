{{- define "gvList" -}}
# API reference

Written from the Go types by `make docs`. `kubectl explain dbscalingpolicy.spec --recursive` shows the same.
{{ range . }}
{{ template "gvDetails" . }}
{{ end }}
{{- end -}}
