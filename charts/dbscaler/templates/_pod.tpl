{{- define "dbscaler.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ . }}/{{ end }}{{ .repository -}}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{/* "true" if notifications are posted to a URL. */}}
{{- define "dbscaler.posts" -}}
{{- if or .Values.notifications.url .Values.notifications.urlSecretName }}true{{ end -}}
{{- end }}

{{/* The arguments of the operator. Those with the default of the operator are omitted. */}}
{{- define "dbscaler.args" -}}
{{- $args := list -}}
{{- if .Values.leaderElection.enabled }}{{ $args = append $args "--leader-elect" }}{{ end -}}
{{- if include "dbscaler.sharded" . }}{{ $args = append $args (printf "--total-shards=%d" (int .Values.shards.total)) }}{{ end -}}
{{- with .Values.clusterName }}{{ $args = append $args (printf "--cluster-name=%s" .) }}{{ end -}}
{{- if .Values.requireAccount }}{{ $args = append $args "--require-account" }}{{ end -}}
{{- if ne (int .Values.concurrency) 16 }}{{ $args = append $args (printf "--concurrency=%d" (int .Values.concurrency)) }}{{ end -}}
{{- if ne (int .Values.maxDisruptiveOperations) 3 -}}
{{- $args = append $args (printf "--max-disruptive-operations=%d" (int .Values.maxDisruptiveOperations)) -}}
{{- end -}}
{{- with .Values.watchNamespaces }}{{ $args = append $args (printf "--watch-namespaces=%s" (join "," .)) }}{{ end -}}
{{- with .Values.watchLabelSelector }}{{ $args = append $args (printf "--watch-label-selector=%s" .) }}{{ end -}}
{{- if not .Values.metrics.secure }}{{ $args = append $args "--metrics-secure=false" }}{{ end -}}
{{- with .Values.pricing.region }}{{ $args = append $args (printf "--pricing-region=%s" .) }}{{ end -}}
{{- if .Values.pricing.priceList }}{{ $args = append $args "--prices-file=/etc/dbscaler/prices.yaml" }}{{ end -}}
{{- if .Values.ledger.enabled }}{{ $args = append $args "--ledger-file=/var/lib/dbscaler/$(POD_NAME).jsonl" }}{{ end -}}
{{- with .Values.notifications -}}
{{- if include "dbscaler.posts" $ -}}
{{- $args = append $args (printf "--notification-url=%s" (ternary "$(NOTIFICATION_URL)" .url (ne .urlSecretName ""))) -}}
{{- if .hmacSecretName }}{{ $args = append $args "--notification-hmac-key-file=/etc/dbscaler-notifications/key" }}{{ end -}}
{{- if .allowHTTP }}{{ $args = append $args "--notification-allow-http" }}{{ end -}}
{{- end -}}
{{- with .snsTopicARN }}{{ $args = append $args (printf "--notification-sns-topic-arn=%s" .) }}{{ end -}}
{{- with .eventBus }}{{ $args = append $args (printf "--notification-event-bus=%s" .) }}{{ end -}}
{{- end -}}
{{- if ne .Values.logLevel "INFO" }}{{ $args = append $args (printf "--log-level=%s" .Values.logLevel) }}{{ end -}}
{{- with concat $args .Values.extraArgs }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/*
The environment of the operator, without variables that extraEnv sets. The API server and the services for credentials are never reached
through a proxy; the kubelet sets KUBERNETES_SERVICE_HOST.
*/}}
{{- define "dbscaler.env" -}}
{{- $env := list -}}
{{- if or (include "dbscaler.sharded" .) .Values.ledger.enabled -}}
{{- $env = append $env (dict "name" "POD_NAME" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.name"))) -}}
{{- end -}}
{{- with .Values.proxy -}}
{{- with .httpProxy }}{{ $env = append $env (dict "name" "HTTP_PROXY" "value" .) }}{{ end -}}
{{- with .httpsProxy }}{{ $env = append $env (dict "name" "HTTPS_PROXY" "value" .) }}{{ end -}}
{{- if or .httpProxy .httpsProxy -}}
{{- $direct := list "$(KUBERNETES_SERVICE_HOST)" "169.254.169.254" "169.254.170.23" "fd00:ec2::254" "fd00:ec2::23" -}}
{{- $env = append $env (dict "name" "NO_PROXY" "value" (concat $direct .noProxy | join ",")) -}}
{{- end -}}
{{- end -}}
{{- with .Values.notifications -}}
{{- if .urlSecretName -}}
{{- $secret := dict "name" .urlSecretName "key" .urlSecretKey -}}
{{- $env = append $env (dict "name" "NOTIFICATION_URL" "valueFrom" (dict "secretKeyRef" $secret)) -}}
{{- end -}}
{{- end -}}
{{- $own := list -}}
{{- range .Values.extraEnv }}{{ $own = append $own .name }}{{ end -}}
{{- $result := list -}}
{{- range $env }}{{ if not (has .name $own) }}{{ $result = append $result . }}{{ end }}{{ end -}}
{{- with concat $result .Values.extraEnv }}{{ toYaml . }}{{ end -}}
{{- end }}

{{- define "dbscaler.volumeMounts" -}}
{{- $mounts := list -}}
{{- if .Values.pricing.priceList -}}
{{- $mounts = append $mounts (dict "name" "prices" "mountPath" "/etc/dbscaler" "readOnly" true) -}}
{{- end -}}
{{- if .Values.ledger.enabled }}{{ $mounts = append $mounts (dict "name" "ledger" "mountPath" "/var/lib/dbscaler") }}{{ end -}}
{{- if .Values.notifications.hmacSecretName -}}
{{- $mounts = append $mounts (dict "name" "notification-key" "mountPath" "/etc/dbscaler-notifications" "readOnly" true) -}}
{{- end -}}
{{- with concat $mounts .Values.extraVolumeMounts }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The volumes of the pod. The StatefulSet adds those of its claims. */}}
{{- define "dbscaler.volumes" -}}
{{- $volumes := list -}}
{{- $name := include "dbscaler.fullname" . -}}
{{- if .Values.pricing.priceList -}}
{{- $volumes = append $volumes (dict "name" "prices" "configMap" (dict "name" (printf "%s-prices" $name))) -}}
{{- end -}}
{{- with .Values.ledger -}}
{{- if and .enabled (not .persistence.enabled) -}}
{{- $volumes = append $volumes (dict "name" "ledger" "emptyDir" (dict "sizeLimit" .emptyDir.sizeLimit)) -}}
{{- else if and .enabled (not (include "dbscaler.sharded" $)) -}}
{{- $claim := .persistence.existingClaim | default (printf "%s-ledger" $name) -}}
{{- $volumes = append $volumes (dict "name" "ledger" "persistentVolumeClaim" (dict "claimName" $claim)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.notifications -}}
{{- if .hmacSecretName -}}
{{- $items := list (dict "key" .hmacSecretKey "path" "key") -}}
{{- $volumes = append $volumes (dict "name" "notification-key" "secret" (dict "secretName" .hmacSecretName "items" $items)) -}}
{{- end -}}
{{- end -}}
{{- with concat $volumes .Values.extraVolumes }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The claim of a ledger: its spec. */}}
{{- define "dbscaler.ledgerClaim" -}}
{{- with .Values.ledger.persistence -}}
accessModes:
  {{- toYaml .accessModes | nindent 2 }}
{{- with .storageClassName }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end -}}
{{- end }}

{{/* The security context of the pod. A new persistent volume belongs to root; fsGroup lets the user of the image write to it. */}}
{{- define "dbscaler.podSecurityContext" -}}
{{- $context := deepCopy .Values.podSecurityContext -}}
{{- if and .Values.ledger.enabled .Values.ledger.persistence.enabled (not (hasKey $context "fsGroup")) -}}
{{- $_ := set $context "fsGroup" 65532 -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{- define "dbscaler.topologySpreadConstraints" -}}
{{- $selector := dict "matchLabels" (include "dbscaler.selectorLabels" . | fromYaml) -}}
{{- $constraints := list -}}
{{- range .Values.topologySpreadConstraints -}}
{{- $constraints = append $constraints (hasKey . "labelSelector" | ternary . (merge (dict "labelSelector" $selector) .)) -}}
{{- end -}}
{{- toYaml $constraints -}}
{{- end }}

{{/* The pod of the operator, as in config/manager. */}}
{{- define "dbscaler.pod" -}}
metadata:
  labels:
    {{- mergeOverwrite (dict) .Values.podLabels (include "dbscaler.selectorLabels" . | fromYaml) | toYaml | nindent 4 }}
  annotations:
    {{- mergeOverwrite (dict "kubectl.kubernetes.io/default-container" "manager") .Values.podAnnotations | toYaml | nindent 4 }}
spec:
  serviceAccountName: {{ include "dbscaler.serviceAccountName" . }}
  enableServiceLinks: false
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "dbscaler.podSecurityContext" . | fromYaml }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- include "dbscaler.topologySpreadConstraints" . | nindent 4 }}
  {{- end }}
  containers:
  - name: manager
    image: {{ include "dbscaler.image" . | quote }}
    {{- with .Values.image.pullPolicy }}
    imagePullPolicy: {{ . }}
    {{- end }}
    {{- with include "dbscaler.args" . }}
    args:
      {{- . | nindent 6 }}
    {{- end }}
    {{- with include "dbscaler.env" . }}
    env:
      {{- . | nindent 6 }}
    {{- end }}
    ports:
    - name: metrics
      containerPort: 8443
    - name: probes
      containerPort: 8081
    livenessProbe:
      httpGet:
        path: /healthz
        port: probes
      initialDelaySeconds: 15
      periodSeconds: 20
    readinessProbe:
      httpGet:
        path: /readyz
        port: probes
      initialDelaySeconds: 5
      periodSeconds: 10
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with include "dbscaler.volumeMounts" . }}
    volumeMounts:
      {{- . | nindent 6 }}
    {{- end }}
  {{- with include "dbscaler.volumes" . }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
