package app

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// installedOperator is what is in the namespace of the operator. NODE, ADDRESS and the ports stand for those of the test.
const installedOperator = `
apiVersion: v1
kind: Node
metadata: {name: NODE}
status:
  addresses: [{type: InternalIP, address: 127.0.0.1}]
  daemonEndpoints: {kubeletEndpoint: {Port: KUBELET}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: dbscaler-prices}
data: {prices.yaml: "role: arn:aws:iam::999988887777:role/prices"}
---
apiVersion: v1
kind: Secret
metadata: {name: dbscaler-webhook}
stringData: {url: hunter2}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: dbscaler-leader}
spec: {holderIdentity: dbscaler-0}
---
apiVersion: v1
kind: Pod
metadata:
  name: dbscaler-0
  labels: {app.kubernetes.io/name: dbscaler}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2}
spec:
  nodeName: NODE
  containers:
  - name: manager
    image: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/dbscaler:v0.1.0
    args: [--metrics-secure=false, "--notification-url=https://hooks.example/T000/hunter2"]
    env: [{name: TOKEN, value: hunter2}, {name: FROM, valueFrom: {secretKeyRef: {name: dbscaler-webhook, key: url}}}]
    ports: [{name: metrics, containerPort: METRICS}]
  volumes:
  - {name: prices, configMap: {name: dbscaler-prices}}
  - {name: webhook, secret: {secretName: dbscaler-webhook}}
status:
  podIP: ADDRESS
  phase: Running
  containerStatuses:
  - {name: manager, image: dbscaler, imageID: "sha256:abc", ready: true, restartCount: 1}
---
apiVersion: scaling.dbscaler.io/v1alpha1
kind: AWSAccount
metadata: {name: NODE}
spec: {roleARN: "arn:aws:iam::123456789012:role/dbscaler", externalID: very-private-id, namespaceSelector: {}}
`

// operatorLog is what the kubelet of the test answers.
const operatorLog = `{"msg":"rds:DescribeDBClusters of arn:aws:rds:eu-west-1:123456789012:cluster:orders by ` +
	`arn:aws:sts::123456789012:assumed-role/dbscaler/x (AKIAIOSFODNN7EXAMPLE): dial orders.cluster-simulated.eu-west-1.rds.amazonaws.com:5432"}`

// installOperator creates the objects of an operator in a namespace, with a kubelet that serves its logs, and its metrics.
func installOperator(t *testing.T) string {
	t.Helper()
	namespace, c := env.NewNamespace(t)
	kubelet := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/containerLogs/"+namespace+"/dbscaler-0/manager" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, "previous=%s %s\n", r.URL.Query().Get("previous"), operatorLog)
	}))
	t.Cleanup(kubelet.Close)
	ip := outsideIP(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	metrics := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "dbscaler_build_info{path=%q,account=\"123456789012\"} 1\n", r.URL.Path)
	}))
	metrics.Listener = listener
	metrics.Start()
	t.Cleanup(metrics.Close)
	_, kubeletPort, err := net.SplitHostPort(kubelet.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, metricsPort, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("NODE", "node-"+namespace, "ADDRESS", ip, "KUBELET", kubeletPort, "METRICS", metricsPort).Replace(installedOperator)
	for document := range strings.SplitSeq(text, "---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			t.Fatal(err)
		}
		if u.GetKind() != "Node" && u.GetKind() != "AWSAccount" {
			u.SetNamespace(namespace)
		} else {
			t.Cleanup(func() {
				if err := c.Delete(context.WithoutCancel(t.Context()), u); err != nil {
					t.Error(err)
				}
			})
		}
		status, hasStatus := u.Object["status"]
		if err := c.Create(t.Context(), u); err != nil {
			t.Fatalf("%s: %v", u.GetKind(), err)
		}
		if hasStatus {
			u.Object["status"] = status
			if err := c.Status().Update(t.Context(), u); err != nil {
				t.Fatalf("%s: %v", u.GetKind(), err)
			}
		}
	}
	return namespace
}

// outsideIP is an address of this machine to which the API server forwards requests: it refuses loopback addresses.
func outsideIP(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if network, isNetwork := a.(*net.IPNet); isNetwork && network.IP.IsGlobalUnicast() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	t.Skip("this machine has only loopback addresses, to which the API server forwards nothing")
	return ""
}

// readZip reads the files of a zip.
func readZip(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }() // nothing was written
	out := map[string]string{}
	for _, file := range archive.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[file.Name] = string(text)
	}
	return out
}

// TestReport_RedactsEverything: a report has everything about the policy and the operator, and nothing that identifies the account, no
// secret and no value of a variable.
func TestReport_RedactsEverything(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	for range 4 {
		h.reconcile(t)
	}
	operator := installOperator(t)
	path := filepath.Join(t.TempDir(), "report.zip")
	out, errOut, err := h.run(t, "report", "orders", "--operator-namespace", operator, "--ledger", h.ledger, "-o", path)
	if err != nil || errOut != "" || !strings.Contains(out, "report.zip written: ") {
		t.Fatalf("%v\n%s%s", err, out, errOut)
	}
	files := readZip(t, path)
	for name, want := range map[string]string{
		"README.txt": "ledger.jsonl: ", "policies/" + h.namespace + "/orders.yaml": "arn:aws:rds:eu-west-1:account-1:cluster:resource-",
		"policies/" + h.namespace + "/orders.txt": "Not known from these sources:", "events/" + h.namespace + ".yaml": "reason: Ready",
		"awsaccounts.yaml": "externalID: external-id-", "operator/pods.yaml": "value: redacted", "operator/leases.yaml": "dbscaler-leader",
		"operator/configmaps.yaml": "role: arn:aws:iam::account-", "operator/logs/dbscaler-0.manager.log": "previous= {",
		"operator/logs/dbscaler-0.manager.previous.log": "previous=true {", "operator/metrics/dbscaler-0.txt": `{path="/metrics",account="account-1"} 1`,
		"ledger.jsonl": `"Format":8`, "versions.txt": "crd: dbscalingpolicies.scaling.dbscaler.io generation 1",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q:\n%.600s", name, want, files[name])
		}
	}
	for name, text := range files {
		for _, secret := range []string{
			"123456789012", "999988887777", ".rds.amazonaws.com", "hunter2", "very-private-id", "AKIA", "role/dbscaler", "cluster:orders",
			"managedFields", "hooks.example",
		} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q", name, secret)
			}
		}
		if !strings.Contains(files["README.txt"], name+": ") && name != "README.txt" {
			t.Errorf("README.txt does not say what %s is", name)
		}
	}
	// The same cluster has the same pseudonym in the status and in the log.
	_, after, _ := strings.Cut(files["policies/"+h.namespace+"/orders.yaml"], "arn: arn:aws:rds:eu-west-1:account-1:cluster:")
	cluster, _, _ := strings.Cut(after, "\n")
	if log := files["operator/logs/dbscaler-0.manager.log"]; cluster == "" || !strings.Contains(log, "account-1:cluster:"+cluster+" ") {
		t.Errorf("the cluster is %s in the status, and in the log:\n%s", cluster, log)
	}

	// The ledger can still be replayed.
	ledgerFile := filepath.Join(t.TempDir(), "ledger.jsonl")
	if err := os.WriteFile(ledgerFile, []byte(files["ledger.jsonl"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errOut, err := h.run(t, "ledger", "verify", ledgerFile); err != nil {
		t.Errorf("the redacted ledger: %v\n%s%s", err, out, errOut)
	}

	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = h.run(t, "report", "orders", "-o", path)
	if after, readErr := os.ReadFile(path); !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "--force") || readErr != nil ||
		string(after) != string(before) {
		t.Errorf("an existing file: %v, %v", err, readErr)
	}
	_, errOut, err = h.run(t, "report", "orders", "-o", path, "--force", "--operator-namespace", h.namespace)
	if err != nil || !strings.Contains(errOut, "set --operator-namespace") || !strings.Contains(readZip(t, path)["errors.txt"], "set --operator-namespace") {
		t.Errorf("without an operator: %v\n%s", err, errOut)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file can be read by others: %v, %v", info, err)
	}
}

// TestReport_NamesMissingRights: what the user may not read is left out, and each missing right is named, on the terminal and in the report.
func TestReport_NamesMissingRights(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	h.reconcile(t)
	operator := installOperator(t)
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "reporter", Namespace: h.namespace},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"dbscalingpolicies"}, Verbs: []string{"list"}}},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reporter", Namespace: h.namespace}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "reporter"},
		Subjects: []rbacv1.Subject{{Kind: "User", Name: "reporter"}},
	}
	for _, o := range []client.Object{role, binding} {
		if err := h.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "report.zip")
	_, errOut, err := h.run(t, "report", "orders", "--operator-namespace", operator, "-o", path, "--as", "reporter")
	if err != nil {
		t.Fatal(err)
	}
	files := readZip(t, path)
	for _, want := range []string{
		"you may not list events.events.k8s.io in the namespace NAMESPACE", "you may not list awsaccounts.scaling.dbscaler.io in the cluster",
		"you may not list pods in the namespace " + operator, "you may not list deployments.apps in the namespace " + operator,
		"you may not list leases.coordination.k8s.io", "ask for a role with the verb list on them",
		"you may not get customresourcedefinitions.apiextensions.k8s.io/dbscalingpolicies.scaling.dbscaler.io",
	} {
		if !strings.Contains(errOut, want) || !strings.Contains(h.anonymize(files["errors.txt"]), want) {
			t.Errorf("%q is not said:\n%s\n%s", want, errOut, files["errors.txt"])
		}
	}
	if _, hasPolicy := files["policies/"+h.namespace+"/orders.yaml"]; !hasPolicy || len(files) > 6 {
		t.Errorf("the report has %d files", len(files))
	}
	for _, test := range []struct{ want, args string }{
		{`there is no DBScalingPolicy "missing"`, "report missing"}, {"not both", "report orders -A"}, {"--log-lines is 0", "report orders --log-lines 0"},
		{"name a file", "report orders -o -"}, {"does not exist", "report orders -o " + filepath.Join(t.TempDir(), "none", "x.zip")},
		{"is no record of a ledger", "report orders --ledger " + h.kubeconfig + " -o " + filepath.Join(t.TempDir(), "x.zip")},
	} {
		_, _, err := h.run(t, strings.Fields(test.args)...)
		if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", test.args, err, test.want)
		}
	}
	if _, _, err := h.run(t, "report", "orders", "--as", "nobody"); err == nil || !strings.Contains(err.Error(), "you (nobody) may not list dbscalingpolicies") {
		t.Errorf("got %v", err)
	}
}

// TestRedact: each kind of value is replaced, and the same value always by the same pseudonym.
func TestRedact(t *testing.T) {
	r := newRedactor()
	for _, test := range []struct{ text, want string }{
		{"arn:aws:rds:eu-west-1:123456789012:db:orders-1.", "arn:aws:rds:eu-west-1:account-1:db:resource-1."},
		{`"arn:aws:rds:eu-west-1:123456789012:db:orders-1","x"`, `"arn:aws:rds:eu-west-1:account-1:db:resource-1","x"`},
		{"arn:aws-cn:iam::210987654321:role/a/b is not", "arn:aws-cn:iam::account-2:role/resource-2 is not"},
		{"arn:aws:s3:::bucket", "arn:aws:s3:::resource-3"},
		{"account 123456789012, not 1234567890123", "account account-1, not 1234567890123"},
		{"ORDERS.cluster-ro-x1.eu-west-1.rds.amazonaws.com:5432", "host-1:5432"},
		{"orders.cluster-ro-x1.eu-west-1.rds.amazonaws.com", "host-1"},
		{"orders.x1.rds.cn-north-1.amazonaws.com.cn and https://rds.eu-west-1.amazonaws.com/", "host-2 and https://rds.eu-west-1.amazonaws.com/"},
		{"--notification-url=https://user:pass@hooks.example/x?token=1", "--notification-url=url-1"},
		{"externalID: abc-1\n", "externalID: external-id-1\n"}, {`"ExternalID":"abc-1"`, `"ExternalID":"external-id-1"`},
		{`\"externalID\":\"abc-1\"`, `\"externalID\":\"external-id-1\"`},
		{`"a\n123456789012\tarn:aws:s3:::bucket"`, `"a\naccount-1\tarn:aws:s3:::resource-3"`}, {"0.123456789012 and 123456789012.5", "0.123456789012 and 123456789012.5"},
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/x", "account-1.dkr.ecr.eu-west-1.amazonaws.com/x"}, {`"ExternalID":""`, `"ExternalID":""`}, {"AROAEXAMPLEEXAMPLE1:x", "credential-1:x"}, {"host-1 external-id-1", "host-1 external-id-1"},
	} {
		if got := r.redact(test.text); got != test.want {
			t.Errorf("%s: got %s, want %s", test.text, got, test.want)
		}
		if got := r.redact(test.want); got != test.want {
			t.Errorf("redacted again, %s becomes %s", test.want, got)
		}
	}
	line := `2026-02-05T03:06:00Z {"Window":120000000000,"a":["123456789012",123456789012],"ExternalID":"abc-1","m":"x \"123456789012\""}` + "\n"
	want := `2026-02-05T03:06:00Z {"Window":120000000000,"a":["account-1",123456789012],"ExternalID":"external-id-1","m":"x \"account-1\""}` + "\n"
	if got := r.redactLines(line + "no JSON: {123456789012}\n"); got != want+"no JSON: {account-1}\n" {
		t.Errorf("got %s, want %s", got, want)
	}
}
