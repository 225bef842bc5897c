{{/* The name of all objects: that of the release, and that of the chart unless the release has it. */}}
{{- define "dbscaler.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $combined := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $combined | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{/* The labels that select the pods. The name is that of all objects, so that two releases in one namespace do not share pods. */}}
{{- define "dbscaler.selectorLabels" -}}
app.kubernetes.io/name: {{ include "dbscaler.fullname" . }}
{{- end }}

{{- define "dbscaler.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "dbscaler.fullname" .) -}}
{{- end }}

{{/*
The metadata of an object. Arguments: root, name, clusterScoped, namespace (by default that of the release), unnamed (without the label
app.kubernetes.io/name, as the generated objects of config are), labels, annotations. Labels and annotations of the object take precedence over
common ones.
*/}}
{{- define "dbscaler.metadata" -}}
{{- $labels := dict "app.kubernetes.io/part-of" "dbscaler" "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $chart := printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 -}}
{{- $_ := set $labels "helm.sh/chart" $chart -}}
{{- if not .unnamed -}}
{{- $_ := set $labels "app.kubernetes.io/name" (include "dbscaler.fullname" .root) -}}
{{- end -}}
name: {{ .name }}
{{- if not .clusterScoped }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{- end }}
labels:
  {{- mergeOverwrite (dict) .root.Values.commonLabels (.labels | default dict) $labels | toYaml | nindent 2 }}
{{- with mergeOverwrite (dict) .root.Values.commonAnnotations (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The rules of a role of config/rbac. Arguments: root, file. */}}
{{- define "dbscaler.rules" -}}
{{- (.root.Files.Get (printf "files/rbac/%s" .file) | fromYaml).rules | toYaml -}}
{{- end }}

{{/* The service account as the subject of a binding. */}}
{{- define "dbscaler.subjects" -}}
- kind: ServiceAccount
  name: {{ include "dbscaler.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* "true" if an object of the Prometheus operator is to be rendered. Arguments: root, renderMode, kind. */}}
{{- define "dbscaler.renderMonitoring" -}}
{{- $exists := .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) -}}
{{- if or (eq .renderMode "alwaysRender") (and (eq .renderMode "skipIfMissing") $exists) -}}
true
{{- end -}}
{{- end }}

{{/* "true" if there is more than one shard. */}}
{{- define "dbscaler.sharded" -}}
{{- if gt (int .Values.shards.total) 1 }}true{{ end -}}
{{- end }}
