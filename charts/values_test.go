package charts

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	deployment  = "Deployment/dbscaler"
	statefulSet = "StatefulSet/dbscaler"
	pod         = "spec template spec"
	container   = "spec template spec containers 0"
	args        = container + " args"
	environment = container + " env"
)

// valueCases are values and their effects. None of the effects is there by default.
var valueCases = []struct {
	values  string
	effects []effect
}{
	{`nameOverride: autoscaler`, []effect{{deployment, "", ""}, {"Deployment/dbscaler-autoscaler", "spec selector", `{"app.kubernetes.io/name":"dbscaler-autoscaler"}`}}},
	{`fullnameOverride: team-a`, []effect{
		{deployment, "", ""}, {"Deployment/team-a", pod + " serviceAccountName", `"team-a"`}, {"ClusterRoleBinding/team-a", "roleRef name", `"team-a"`},
		{"Service/team-a-metrics", "spec selector", `"team-a"`}, {"NetworkPolicy/team-a", "spec podSelector", `"team-a"`}, {"ClusterRole/team-a-dbscalingpolicy-editor", "rules", "create"},
		{"ValidatingAdmissionPolicy/team-a-leaves-spec-alone", "spec matchConditions", "serviceaccount:dbscaler-system:team-a'"},
	}},
	{`commonLabels: {owner: platform}`, []effect{
		{deployment, "metadata labels", `"owner":"platform"`}, {"ClusterRole/dbscaler", "metadata labels", `"owner":"platform"`},
		{"CustomResourceDefinition/dbscalingpolicies.scaling.dbscaler.io", "metadata labels", `"owner":"platform"`},
	}},
	{`commonAnnotations: {owner: platform}`, []effect{{deployment, "metadata annotations", `"owner":"platform"`}, {"Service/dbscaler-metrics", "metadata annotations", `"owner":"platform"`}}},

	{`crds: {enabled: false}`, []effect{{"CustomResourceDefinition/dbscalingpolicies.scaling.dbscaler.io", "", ""}, {"CustomResourceDefinition/awsaccounts.scaling.dbscaler.io", "", ""}}},
	{`crds: {keep: false}`, []effect{{"CustomResourceDefinition/awsaccounts.scaling.dbscaler.io", "metadata annotations", "!helm.sh/resource-policy"}}},
	{`crds: {annotations: {argocd.argoproj.io/sync-options: ServerSideApply=true}}`, []effect{{"CustomResourceDefinition/awsaccounts.scaling.dbscaler.io", "metadata annotations", "ServerSideApply=true"}}},

	{`image: {registry: registry.example/team, repository: scaler, tag: v2}`, []effect{{deployment, container + " image", `"registry.example/team/scaler:v2"`}}},
	{`image: {tag: v2, digest: "sha256:0000000000000000000000000000000000000000000000000000000000000001"}`,
		[]effect{{deployment, container + " image", `"dbscaler@sha256:0000000000000000000000000000000000000000000000000000000000000001"`}}},
	{`image: {pullPolicy: Always, pullSecrets: [{name: registry}]}`, []effect{{deployment, container + " imagePullPolicy", `"Always"`}, {deployment, pod + " imagePullSecrets", `[{"name":"registry"}]`}}},

	{`replicas: 3`, []effect{{deployment, "spec replicas", "3"}}},
	{`{replicas: 1, leaderElection: {enabled: false}}`, []effect{{deployment, container, `!"args"`}, {"Role/dbscaler-leader-election", "", ""}, {"RoleBinding/dbscaler-leader-election", "", ""}}},
	{`shards: {total: 5}`, []effect{
		{deployment, "", ""}, {statefulSet, "spec replicas", "5"}, {statefulSet, args, "--total-shards=5"}, {statefulSet, environment, "POD_NAME"},
		{statefulSet, "spec podManagementPolicy", "Parallel"}, {statefulSet, "spec serviceName", "dbscaler-metrics"},
	}},

	{`clusterName: prod`, []effect{{deployment, args, "--cluster-name=prod"}}},
	{`requireAccount: true`, []effect{{deployment, args, "--require-account"}}},
	{`concurrency: 32`, []effect{{deployment, args, "--concurrency=32"}}},
	{`maxDisruptiveOperations: 0`, []effect{{deployment, args, "--max-disruptive-operations=0"}}},
	{`watchNamespaces: [team-a, team-b]`, []effect{{deployment, args, "--watch-namespaces=team-a,team-b"}}},
	{`watchLabelSelector: team in (payments,search)`, []effect{{deployment, args, `"--watch-label-selector=team in (payments,search)"`}}},
	{`logLevel: DEBUG`, []effect{{deployment, args, "--log-level=DEBUG"}}},

	{`pricing: {region: eu-central-1}`, []effect{{deployment, args, "--pricing-region=eu-central-1"}}},
	{`pricing: {priceList: [{instanceClass: db.r6g.large, hourlyPriceUSD: "0.26"}]}`, []effect{
		{"ConfigMap/dbscaler-prices", "data prices.yaml", `prices:\n- hourlyPriceUSD: \"0.26\"\n  instanceClass: db.r6g.large`}, {deployment, args, "--prices-file=/etc/dbscaler/prices.yaml"},
		{deployment, container + " volumeMounts", `"mountPath":"/etc/dbscaler"`}, {deployment, pod + " volumes", `"configMap":{"name":"dbscaler-prices"}`},
	}},
	{`ledger: {enabled: true, emptyDir: {sizeLimit: 2Gi}}`, []effect{
		{deployment, args, "--ledger-file=/var/lib/dbscaler/$(POD_NAME).jsonl"}, {deployment, environment, "POD_NAME"},
		{deployment, container + " volumeMounts", `{"mountPath":"/var/lib/dbscaler","name":"ledger"}`}, {deployment, pod + " volumes", `{"emptyDir":{"sizeLimit":"2Gi"},"name":"ledger"}`},
	}},
	{`{replicas: 1, ledger: {enabled: true, persistence: {enabled: true, storageClassName: gp3, size: 5Gi}}}`, []effect{
		{"PersistentVolumeClaim/dbscaler-ledger", "spec", `{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"5Gi"}},"storageClassName":"gp3"}`},
		{"PersistentVolumeClaim/dbscaler-ledger", "metadata annotations", `"helm.sh/resource-policy":"keep"`},
		{deployment, pod + " volumes", `"persistentVolumeClaim":{"claimName":"dbscaler-ledger"}`}, {deployment, "spec strategy", "Recreate"}, {deployment, pod + " securityContext", `"fsGroup":65532`},
	}},
	{`ledger: {enabled: true, persistence: {enabled: true, existingClaim: decisions, accessModes: [ReadWriteMany]}}`, []effect{
		{"PersistentVolumeClaim/dbscaler-ledger", "", ""}, {deployment, pod + " volumes", `"persistentVolumeClaim":{"claimName":"decisions"}`},
	}},
	{`{shards: {total: 2}, ledger: {enabled: true, persistence: {enabled: true}}}`, []effect{
		{"PersistentVolumeClaim/dbscaler-ledger", "", ""}, {statefulSet, "spec volumeClaimTemplates 0", `"metadata":{"name":"ledger"}`}, {statefulSet, pod + " volumes", "null"},
	}},

	{`notifications: {url: "https://relay.example:8443/hook", hmacSecretName: notifications, hmacSecretKey: hmac, snsTopicARN: "arn:aws:sns:eu-west-1:123456789012:dbscaler", eventBus: platform}`, []effect{
		{deployment, args, `"--notification-url=https://relay.example:8443/hook","--notification-hmac-key-file=/etc/dbscaler-notifications/key"`},
		{deployment, args, `"--notification-sns-topic-arn=arn:aws:sns:eu-west-1:123456789012:dbscaler","--notification-event-bus=platform"`},
		{deployment, container + " volumeMounts", `{"mountPath":"/etc/dbscaler-notifications","name":"notification-key","readOnly":true}`},
		{deployment, pod + " volumes", `{"name":"notification-key","secret":{"items":[{"key":"hmac","path":"key"}],"secretName":"notifications"}}`},
		{"NetworkPolicy/dbscaler", "spec egress 1", `{"ports":[{"port":443},{"port":6443},{"port":8443}]}`},
	}},
	{`notifications: {url: "http://relay.team/hook", allowHTTP: true}`, []effect{
		{deployment, args, `"--notification-url=http://relay.team/hook","--notification-allow-http"`}, {"NetworkPolicy/dbscaler", "spec egress 1", `{"port":80}`},
	}},
	{`notifications: {urlSecretName: notifications, urlSecretKey: address}`, []effect{
		{deployment, args, `--notification-url=$(NOTIFICATION_URL)`},
		{deployment, environment, `{"name":"NOTIFICATION_URL","valueFrom":{"secretKeyRef":{"key":"address","name":"notifications"}}}`},
	}},

	{`proxy: {httpsProxy: "http://proxy.example:3128", httpProxy: "http://proxy.example", noProxy: [.vpce.amazonaws.com]}`, []effect{
		{deployment, environment, `{"name":"HTTPS_PROXY","value":"http://proxy.example:3128"}`}, {deployment, environment, `{"name":"HTTP_PROXY","value":"http://proxy.example"}`},
		{deployment, environment, `"NO_PROXY","value":"$(KUBERNETES_SERVICE_HOST),169.254.169.254,169.254.170.23,fd00:ec2::254,fd00:ec2::23,.vpce.amazonaws.com"`},
		{"NetworkPolicy/dbscaler", "spec egress 1", `{"ports":[{"port":443},{"port":6443},{"port":80},{"port":3128}]}`},
	}},

	{`serviceAccount: {name: scaler, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/dbscaler"}}`, []effect{
		{"ServiceAccount/scaler", "metadata annotations", `"eks.amazonaws.com/role-arn":"arn:aws:iam::123456789012:role/dbscaler"`}, {deployment, pod + " serviceAccountName", `"scaler"`},
		{"ClusterRoleBinding/dbscaler", "subjects", `"scaler"`}, {"RoleBinding/dbscaler-leader-election", "subjects", `"scaler"`}, {"ClusterRoleBinding/dbscaler-metrics-auth", "subjects", `"scaler"`},
		{"ValidatingAdmissionPolicy/dbscaler-leaves-spec-alone", "spec matchConditions", "serviceaccount:dbscaler-system:scaler'"},
	}},
	{`serviceAccount: {create: false, name: scaler}`, []effect{{"ServiceAccount/dbscaler", "", ""}, {"ServiceAccount/scaler", "", ""}, {deployment, pod + " serviceAccountName", `"scaler"`}}},

	{`rbac: {create: false}`, []effect{{"ClusterRole/dbscaler", "", ""}, {"ClusterRoleBinding/dbscaler", "", ""}, {"Role/dbscaler-leader-election", "", ""}, {"ClusterRole/dbscaler-dbscalingpolicy-editor", "", ""}}},
	{`{rbac: {namespaced: true}, watchNamespaces: [team-a]}`, []effect{
		{"ClusterRoleBinding/dbscaler", "", ""}, {"RoleBinding/dbscaler", "metadata namespace", `"team-a"`}, {"RoleBinding/dbscaler", "roleRef", `"kind":"ClusterRole","name":"dbscaler"`},
		{"ClusterRole/dbscaler-cluster-scoped", "rules", "awsaccounts"}, {"ClusterRoleBinding/dbscaler-cluster-scoped", "roleRef", `"name":"dbscaler-cluster-scoped"`},
	}},
	{`rbac: {aggregateToDefaultRoles: false}`, []effect{
		{"ClusterRole/dbscaler-dbscalingpolicy-editor", "metadata labels", "!aggregate-to-edit"}, {"ClusterRole/dbscaler-dbscalingpolicy-editor", "metadata labels", "!aggregate-to-admin"},
		{"ClusterRole/dbscaler-dbscalingpolicy-viewer", "metadata labels", "!aggregate-to-view"},
	}},

	{`resources: {limits: {memory: 1Gi}}`, []effect{{deployment, container + " resources limits", `{"memory":"1Gi"}`}}},
	{`resources: {limits: null}`, []effect{{deployment, container + " resources", `!"limits"`}}},
	{`podSecurityContext: {runAsUser: 1000}`, []effect{{deployment, pod + " securityContext", `"runAsUser":1000`}}},
	{`securityContext: {runAsGroup: 1000}`, []effect{{deployment, container + " securityContext", `"runAsGroup":1000`}}},
	{`podLabels: {team: platform}`, []effect{{deployment, "spec template metadata labels", `"team":"platform"`}}},
	{`podAnnotations: {sidecar.istio.io/inject: "false"}`, []effect{{deployment, "spec template metadata annotations", `"sidecar.istio.io/inject":"false"`}}},
	{`priorityClassName: system-cluster-critical`, []effect{{deployment, pod + " priorityClassName", "system-cluster-critical"}}},
	{`nodeSelector: {kubernetes.io/arch: arm64}`, []effect{{deployment, pod + " nodeSelector", `{"kubernetes.io/arch":"arm64"}`}}},
	{`tolerations: [{key: dedicated, operator: Exists}]`, []effect{{deployment, pod + " tolerations", `[{"key":"dedicated","operator":"Exists"}]`}}},
	{`affinity: {podAntiAffinity: {}}`, []effect{{deployment, pod + " affinity", `{"podAntiAffinity":{}}`}}},
	{`topologySpreadConstraints: [{topologyKey: rack, maxSkew: 2, whenUnsatisfiable: DoNotSchedule}]`, []effect{
		{deployment, pod + " topologySpreadConstraints", `[{"labelSelector":{"matchLabels":{"app.kubernetes.io/name":"dbscaler"}},"maxSkew":2,"topologyKey":"rack","whenUnsatisfiable":"DoNotSchedule"}]`},
	}},
	{`podDisruptionBudget: {enabled: false}`, []effect{{"PodDisruptionBudget/dbscaler", "", ""}}},
	{`podDisruptionBudget: {maxUnavailable: 50%}`, []effect{{"PodDisruptionBudget/dbscaler", "spec maxUnavailable", `"50%"`}}},

	{`networkPolicy: {enabled: false}`, []effect{{"NetworkPolicy/dbscaler", "", ""}}},
	{`networkPolicy: {metricsNamespaceLabels: {metrics: null, kubernetes.io/metadata.name: monitoring}}`, []effect{{"NetworkPolicy/dbscaler", "spec ingress", `{"matchLabels":{"kubernetes.io/metadata.name":"monitoring"}}`}}},
	{`networkPolicy: {ports: [443, 8443]}`, []effect{{"NetworkPolicy/dbscaler", "spec egress 1", `{"ports":[{"port":443},{"port":8443}]}`}}},
	{`networkPolicy: {allowInstanceMetadata: false}`, []effect{{"NetworkPolicy/dbscaler", "spec egress 2 to", `[{"ipBlock":{"cidr":"169.254.170.23/32"}},{"ipBlock":{"cidr":"fd00:ec2::23/128"}}]`}}},
	{`networkPolicy: {extraIngress: [{ports: [{port: 1}]}], extraEgress: [{ports: [{port: 2}]}]}`, []effect{{"NetworkPolicy/dbscaler", "spec ingress 1", `{"ports":[{"port":1}]}`}, {"NetworkPolicy/dbscaler", "spec egress 3", `{"ports":[{"port":2}]}`}}},

	{`metrics: {secure: false, serviceMonitor: {renderMode: alwaysRender}}`, []effect{
		{deployment, args, "--metrics-secure=false"}, {"ClusterRole/dbscaler-metrics-auth", "", ""}, {"ClusterRoleBinding/dbscaler-metrics-auth", "", ""}, {"ClusterRole/dbscaler-metrics-reader", "", ""},
		{"ServiceMonitor/dbscaler", "spec endpoints", `[{"honorLabels":true,"port":"metrics"}]`},
	}},
	{`metrics: {serviceMonitor: {renderMode: alwaysRender, interval: 30s, additionalLabels: {release: prometheus}}}`, []effect{
		{"ServiceMonitor/dbscaler", "spec endpoints", `"interval":"30s"`}, {"ServiceMonitor/dbscaler", "metadata labels", `"release":"prometheus"`}, {"ServiceMonitor/dbscaler", "spec endpoints", `"scheme":"https"`},
	}},

	{`extraArgs: ["--aws-endpoint-url=https://aws.example"]`, []effect{{deployment, args, `"--leader-elect","--aws-endpoint-url=https://aws.example"`}}},
	{`{shards: {total: 2}, extraEnv: [{name: POD_NAME, value: "-1"}]}`, []effect{{statefulSet, environment, `[{"name":"POD_NAME","value":"-1"}]`}}},
	{`{extraVolumes: [{name: ca, emptyDir: {}}], extraVolumeMounts: [{name: ca, mountPath: /ca}]}`, []effect{{deployment, pod + " volumes", `[{"emptyDir":{},"name":"ca"}]`}, {deployment, container + " volumeMounts", `[{"mountPath":"/ca","name":"ca"}]`}}},
	{`extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-extra"}}, "{apiVersion: v1, kind: Secret, metadata: {name: {{ .Release.Name }}-text}}"]`, []effect{
		{"ConfigMap/dbscaler-extra", "", "metadata"}, {"Secret/dbscaler-text", "", "metadata"},
	}},
}

// monitoringCases are the values of the alerts and dashboards, whose text contains templates that Helm must not evaluate.
var monitoringCases = []struct {
	values  string
	effects []effect
}{
	{`metrics: {prometheusRule: {renderMode: alwaysRender, additionalLabels: {release: prometheus}, disabledAlerts: [DBScalerAtMaximum]}}`, []effect{
		{"PrometheusRule/dbscaler", "spec groups", `"alert":"DBScalerLoadHigh"`}, {"PrometheusRule/dbscaler", "spec groups", `{{ $labels.namespace }}/{{ $labels.name }}`},
		{"PrometheusRule/dbscaler", "spec groups", `!"alert":"DBScalerAtMaximum"`}, {"PrometheusRule/dbscaler", "spec groups", `!dbscaler-at-maximum`},
		{"PrometheusRule/dbscaler", "metadata labels", `"release":"prometheus"`},
	}},
	{`dashboards: {enabled: true, labels: {team: platform}, annotations: {grafana_folder: AWS}}`, []effect{
		{"ConfigMap/dbscaler-fleet", "metadata labels", `"grafana_dashboard":"1"`}, {"ConfigMap/dbscaler-fleet", "metadata labels", `"team":"platform"`},
		{"ConfigMap/dbscaler-fleet", "metadata annotations", `"grafana_folder":"AWS"`}, {"ConfigMap/dbscaler-database", "data database.json", `{{`},
	}},
}

// TestValues_HaveEffect checks the effects of each value, and that they are not there by default.
func TestValues_HaveEffect(t *testing.T) {
	defaults := template(t)
	for _, test := range valueCases {
		t.Run(test.values, func(t *testing.T) {
			objects := templateValues(t, test.values)
			for _, e := range test.effects {
				if e.part == "" {
					if find(objects, e.object) != nil {
						t.Errorf("%s exists", e.object)
					}
					continue
				}
				checkEffect(t, e, valueAt(find(objects, e.object), e.path))
				if before := find(defaults, e.object); before != nil && e.isIn(valueAt(before, e.path)) {
					t.Errorf("%s: %s is the same by default", e.object, e.path)
				}
			}
		})
	}
}

// TestValues_Monitoring checks the alerts and dashboards.
func TestValues_Monitoring(t *testing.T) {
	for _, test := range monitoringCases {
		t.Run(test.values, func(t *testing.T) {
			objects := parseObjects(t, helmWithValues(t, test.values, "template", release, "dbscaler", "--namespace", namespace))
			for _, e := range test.effects {
				checkEffect(t, e, valueAt(find(objects, e.object), e.path))
			}
		})
	}
	if find(template(t), "ConfigMap/dbscaler-fleet") != nil {
		t.Error("a dashboard exists by default")
	}
}

// TestValues_RenderMode checks when the objects of the Prometheus operator are rendered.
func TestValues_RenderMode(t *testing.T) {
	for _, test := range []struct {
		mode         string
		exists, want bool
	}{
		{"skipIfMissing", false, false}, {"skipIfMissing", true, true}, {"alwaysRender", false, true}, {"alwaysRender", true, true}, {"never", false, false}, {"never", true, false},
	} {
		t.Run(test.mode+" "+strconv.FormatBool(test.exists), func(t *testing.T) {
			command := []string{"template", release, "dbscaler", "--set", "metrics.serviceMonitor.renderMode=" + test.mode + ",metrics.prometheusRule.renderMode=" + test.mode}
			if test.exists {
				command = append(command, monitoringAPI...)
			}
			objects := parseObjects(t, helm(t, command...))
			for _, name := range []string{"ServiceMonitor/dbscaler", "PrometheusRule/dbscaler"} {
				if got := find(objects, name) != nil; got != test.want {
					t.Errorf("%s is rendered: %t, want %t", name, got, test.want)
				}
			}
		})
	}
}

// TestValues_AllAreTested checks that each value of the schema is set in a test case.
func TestValues_AllAreTested(t *testing.T) {
	set := map[string]bool{}
	for _, test := range slices.Concat(valueCases, monitoringCases) {
		var values map[string]any
		if err := yaml.UnmarshalStrict([]byte(test.values), &values); err != nil {
			t.Fatalf("%s: %v", test.values, err)
		}
		addPaths(set, "", values)
	}
	count := 0
	readSchema(t).leaves(nil, func(path []string, s schema) {
		if s.isLeaf() && !set[strings.Join(path, ".")] {
			t.Errorf("no case sets %s", strings.Join(path, "."))
		}
		count++
	})
	if count < 60 {
		t.Errorf("the schema has %d values, want at least 60", count)
	}
}

// TestValues_Dependency checks that a chart can have this one as a dependency with a condition: Helm then passes the keys global and
// enabled.
func TestValues_Dependency(t *testing.T) {
	chart := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: platform\nversion: 0.0.1\ndependencies: [{name: dbscaler, version: 0.1.0, condition: dbscaler.enabled}]\n",
		"values.yaml": "global: {team: platform}\ndbscaler: {enabled: true, replicas: 3}\n",
	} {
		if err := os.WriteFile(filepath.Join(chart, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(chart, "charts", "dbscaler"), os.DirFS("dbscaler")); err != nil {
		t.Fatal(err)
	}
	objects := parseObjects(t, helm(t, "template", release, chart, "--namespace", namespace))
	if got := valueAt(find(objects, deployment), "spec replicas"); got != "3" {
		t.Errorf("the Deployment has %s replicas, want 3", got)
	}
}

// TestNotes checks that the notes say what to do next.
func TestNotes(t *testing.T) {
	out := helm(t, "install", release, "dbscaler", "--namespace", namespace, "--dry-run=client", "--hide-secret")
	for _, want := range []string{"deployment/dbscaler", "dbscaler.io/policy-namespace", "mode: Recommend", "kubectl dbscaler doctor", "no annotation eks.amazonaws.com/role-arn"} {
		if _, notes, _ := strings.Cut(out, "NOTES:"); !strings.Contains(notes, want) {
			t.Errorf("the notes do not contain %q:\n%s", want, notes)
		}
	}
}
