{{- define "type_members" -}}
{{- if eq .Name "metadata" -}}
the standard object metadata
{{- else -}}
{{ markdownRenderFieldDoc .Doc }}
{{- end -}}
{{- end -}}
