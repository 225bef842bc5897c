{{/* Values that the schema cannot refuse, because more than one is wrong together. */}}
{{- define "dbscaler.validate" -}}
{{- $sharded := include "dbscaler.sharded" . -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) (not $sharded) -}}
{{- fail (printf "leaderElection.enabled is false and replicas is %d: all pods would act at once. Enable it, or set replicas to 1" (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.rbac.namespaced (not .Values.watchNamespaces) -}}
{{- fail "rbac.namespaced is true and watchNamespaces is empty: the operator could read no policy. List the namespaces in watchNamespaces" -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false and serviceAccount.name is empty: name the service account that exists in serviceAccount.name" -}}
{{- end -}}
{{- $alerts := list -}}
{{- range $path, $_ := .Files.Glob "files/rules/*.yaml" -}}
{{- range ($.Files.Get $path | fromYaml).groups -}}
{{- range .rules -}}
{{- $alerts = append $alerts .alert -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.metrics.prometheusRule.disabledAlerts -}}
{{- if not (has . $alerts) -}}
{{- fail (printf "metrics.prometheusRule.disabledAlerts has %s, which is no alert. The alerts are %s" . (join ", " $alerts)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.notifications -}}
{{- if and .url .urlSecretName -}}
{{- fail "notifications.url and notifications.urlSecretName are both set: remove one" -}}
{{- end -}}
{{- if and (or .hmacSecretName .allowHTTP) (not (include "dbscaler.posts" $)) -}}
{{- fail "notifications.hmacSecretName or notifications.allowHTTP is set without a URL: set notifications.url or notifications.urlSecretName" -}}
{{- end -}}
{{- end -}}
{{- with .Values.ledger.persistence -}}
{{- if and $.Values.ledger.enabled .enabled -}}
{{- if and $sharded .existingClaim -}}
{{- fail "ledger.persistence.existingClaim is set and shards.total is above 1: each shard has a claim of its own. Remove existingClaim" -}}
{{- end -}}
{{- if and (not $sharded) (gt (int $.Values.replicas) 1) (not (has "ReadWriteMany" .accessModes)) -}}
{{- fail (printf "ledger.persistence.accessModes is %s and replicas is %d: pods on two nodes cannot mount the volume. Set replicas to 1, or accessModes to [ReadWriteMany]" (join ", " .accessModes) (int $.Values.replicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
