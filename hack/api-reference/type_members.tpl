{{- define "type_members" -}}
{{- if eq .Name "metadata" -}}
the standard metadata of objects
{{- else -}}
{{ markdownRenderFieldDoc .Doc }}
{{- end -}}
{{- end -}}
