package config

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// guardedPolicy is a policy with everything that a patch could change. Its pause was requested by somebody.
const guardedPolicy = `
metadata:
  name: orders
  labels: {team: shop}
  finalizers: [example.com/keep]
  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: 00000000-0000-0000-0000-000000000001}]
  annotations:
    example.com/note: x
    scaling.dbscaler.io/paused-until: "2026-02-05T18:00:00Z"
    scaling.dbscaler.io/paused-by: "somebody until 2026-02-05T18:00:00Z"
    scaling.dbscaler.io/paused-reason: index rebuild
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 3}
`

// guardHarness is a namespace with guardedPolicy and users whose rights differ.
type guardHarness struct {
	t         *testing.T
	namespace string
	admin     client.Client
	policy    *v1alpha1.DBScalingPolicy
}

func newGuardHarness(t *testing.T) *guardHarness {
	t.Helper()
	install(t)
	namespace, c := env.NewNamespace(t)
	h := &guardHarness{t: t, namespace: namespace, admin: c, policy: &v1alpha1.DBScalingPolicy{}}
	if err := yaml.UnmarshalStrict([]byte(guardedPolicy), h.policy); err != nil {
		t.Fatal(err)
	}
	h.policy.Namespace = namespace
	if err := c.Create(t.Context(), h.policy); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.deletePolicy)
	for user, rules := range map[string][]rbacv1.PolicyRule{
		"reader":   {policyRule("dbscalingpolicies", "get", "list", "watch")},
		"patcher":  {policyRule("dbscalingpolicies", "get", "patch")},
		"approver": {policyRule("dbscalingpolicies", "get", "patch", "approve")},
		"pauser":   {policyRule("dbscalingpolicies", "get", "patch", "override")},
		"author":   {policyRule("dbscalingpolicies", "get", "patch", "update", "create", "delete")},
		"cleaner":  {policyRule("dbscalingpolicies", "get", "patch"), policyRule("dbscalingpolicies/finalizers", "update")},
	} {
		h.create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user}, Rules: rules})
		h.bind(user, "Role", user)
	}
	h.bind("on-call", "ClusterRole", "dbscaler-dbscalingpolicy-on-call")
	h.bind("editor", "ClusterRole", "dbscaler-dbscalingpolicy-editor")
	h.bind("second", "ClusterRole", "dbscaler") // the operator of another installation
	// A new admission policy takes effect after a short delay.
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return apierrors.IsForbidden(h.patch(ctx, "patcher", `{"spec":{"mode":"Enforce"}}`)), nil
	})
	if err != nil {
		t.Fatalf("the admission policy has no effect: %v", h.patch(t.Context(), "patcher", `{"spec":{"mode":"Enforce"}}`))
	}
	return h
}

func policyRule(resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{resource}, Verbs: verbs}
}

func (h *guardHarness) create(o client.Object) {
	h.t.Helper()
	if err := h.admin.Create(h.t.Context(), o); err != nil {
		h.t.Fatal(err)
	}
}

func (h *guardHarness) bind(user, kind, role string) {
	h.t.Helper()
	h.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
}

// deletePolicy deletes the policy, with its finalizer: other tests expect that there is none.
func (h *guardHarness) deletePolicy() {
	ctx := context.WithoutCancel(h.t.Context())
	unfinalized := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	if err := h.admin.Patch(ctx, h.policy, unfinalized); err != nil {
		h.t.Error(err)
	}
	if err := h.admin.Delete(ctx, h.policy); err != nil {
		h.t.Error(err)
	}
}

// as is a client of a user.
func (h *guardHarness) as(user string) client.Client {
	h.t.Helper()
	config := env.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	c, err := client.New(config, client.Options{Scheme: env.Scheme()})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// patch sends a merge patch as a user, and keeps nothing of it.
func (h *guardHarness) patch(ctx context.Context, user, patch string) error {
	h.t.Helper()
	return h.as(user).Patch(ctx, h.policy.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)), client.DryRunAll)
}

// annotate is the merge patch that sets annotations; an empty value removes one. USER is the user.
func annotate(user string, keysAndValues ...string) string {
	annotations := map[string]any{}
	for n := 0; n < len(keysAndValues); n += 2 {
		key := keysAndValues[n]
		if !strings.Contains(key, "/") {
			key = "scaling.dbscaler.io/" + key
		}
		annotations[key] = strings.ReplaceAll(keysAndValues[n+1], "USER", user)
		if keysAndValues[n+1] == "" {
			annotations[key] = nil
		}
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestManualControl_Rights checks each kind of user against each kind of change.
func TestManualControl_Rights(t *testing.T) {
	h := newGuardHarness(t)
	const operator = "system:serviceaccount:" + namespace + ":dbscaler"
	for _, test := range []struct {
		change  string
		patch   func(user string) string
		allowed string // the users who may; all others may not
		message string // what is said to the on-call engineer or, if he may, to the patcher
	}{
		{"approve", func(u string) string { return annotate(u, "approve", "12345678") }, "approver on-call editor",
			"the verb approve on dbscalingpolicies.scaling.dbscaler.io in the namespace " + h.namespace + " is missing"},
		{"approve with name and reason", func(u string) string {
			return annotate(u, "approve", "12345678", "approve-by", "USER for 12345678", "approve-reason", "agreed")
		}, "approver on-call editor", "the verb approve"},
		{"revoke", func(u string) string { return annotate(u, "approve", "", "approve-by", "USER revoked") }, "approver on-call editor", "the verb approve"},
		{"pause", func(u string) string { return annotate(u, "paused-until", "2026-02-06T18:00:00Z") }, "pauser on-call editor",
			"the verb override on dbscalingpolicies.scaling.dbscaler.io in the namespace " + h.namespace + " is missing"},
		{"empty value", func(string) string {
			return `{"metadata":{"annotations":{"scaling.dbscaler.io/override-until":""}}}`
		}, "pauser on-call editor", "the verb override"},
		{"pause with name", func(u string) string {
			return annotate(u, "paused-until", "2026-02-06T18:00:00Z", "paused-by", "USER until 2026-02-06T18:00:00Z", "paused-reason", "")
		}, "pauser on-call editor", "the verb override"},
		{"resume", func(u string) string { return annotate(u, "paused-until", "") }, "pauser on-call editor", "the verb override"},
		{"resume with name", func(u string) string {
			return annotate(u, "paused-until", "", "paused-by", "USER resumed", "paused-reason", "done")
		}, "pauser on-call editor", "the verb override"},
		{"override", func(u string) string {
			return annotate(u, "override-readers", "2 x db.r6g.xlarge", "override-writer", "db.r6g.large", "override-until", "2026-02-06T18:00:00Z",
				"override-by", "USER until 2026-02-06T18:00:00Z readers 2 x db.r6g.xlarge writer db.r6g.large")
		}, "pauser on-call editor", "the verb override"},
		{"resolve", func(u string) string {
			return annotate(u, "resolve-conflict", "1", "resolve-conflict-by", "USER for 1")
		},
			"pauser on-call editor", "the verb override"},
		{"pause and approve", func(u string) string {
			return annotate(u, "paused-until", "2026-02-06T18:00:00Z", "approve", "12345678")
		},
			"on-call editor", "is missing"},

		{"spec", func(string) string { return `{"spec":{"mode":"Enforce"}}` }, "author editor",
			"on-call may change only the annotations of manual control: the verb update on dbscalingpolicies.scaling.dbscaler.io"},
		{"spec and approve", func(string) string {
			return `{"spec":{"mode":"Enforce"},"metadata":{"annotations":{"scaling.dbscaler.io/approve":"12345678"}}}`
		}, "editor", "the verb update"},
		{"label", func(string) string { return `{"metadata":{"labels":{"team":"other"}}}` }, "author editor", "the verb update"},
		{"another annotation", func(u string) string { return annotate(u, "example.com/other", "y") }, "author editor", "the verb update"},
		{"another annotation of the same group", func(u string) string { return annotate(u, "other", "y") }, "author editor", "the verb update"},
		{"removal of another annotation", func(u string) string { return annotate(u, "example.com/note", "") }, "author editor", "the verb update"},
		{"owner", func(string) string { return `{"metadata":{"ownerReferences":null}}` }, "author editor", "the verb update"},
		{"finalizer", func(string) string { return `{"metadata":{"finalizers":[]}}` }, "author editor cleaner second " + operator,
			"the verb update on dbscalingpolicies/finalizers.scaling.dbscaler.io"},
		{"nothing", func(string) string { return `{"metadata":{"annotations":{"example.com/note":"x"}}}` },
			"patcher approver pauser on-call author editor cleaner second " + operator, ""},

		{"name of another user", func(u string) string {
			return annotate(u, "paused-until", "2026-02-06T18:00:00Z", "paused-by", "alice until 2026-02-06T18:00:00Z")
		}, "", "names another user than on-call"},
		{"name for another value", func(u string) string {
			return annotate(u, "paused-until", "2026-02-06T18:00:00Z", "paused-by", "USER until 2026-02-07T18:00:00Z")
		}, "", "names another user than on-call, or another value"},
		{"name that stays for another value", func(u string) string { return annotate(u, "paused-until", "2026-02-06T18:00:00Z") }, "pauser on-call editor", ""},
		{"reason of another user", func(u string) string { return annotate(u, "paused-reason", "other") }, "", "names another user"},
		{"reason without a name", func(u string) string { return annotate(u, "paused-by", "", "paused-reason", "other") }, "pauser on-call editor", ""},
		{"name of another user for an approval", func(u string) string { return annotate(u, "approve", "1", "approve-by", "alice for 1") }, "",
			"names another user than on-call"},
	} {
		t.Run(test.change, func(t *testing.T) {
			may := strings.Fields(test.allowed)
			informed := "on-call"
			if slices.Contains(may, informed) {
				informed = "patcher"
			}
			for _, user := range []string{"nobody", "reader", "patcher", "approver", "pauser", "on-call", "author", "editor", "cleaner", "second", operator} {
				allowed := slices.Contains(may, user)
				err := h.patch(t.Context(), user, test.patch(user))
				switch {
				case allowed && err != nil:
					t.Errorf("%s may not: %v", user, err)
				case !allowed && !apierrors.IsForbidden(err) && (user != operator || !apierrors.IsInvalid(err)): // spec_guard.yaml
					t.Errorf("%s: got %v, want Forbidden", user, err)
				case test.message != "" && user == informed && !strings.Contains(err.Error(), test.message):
					t.Errorf("%s gets %q, want %q in it", user, err, test.message)
				}
			}
		})
	}
}

// TestManualControl_NameDoesNotReturn checks that a name does not stand for a value again that another user sets.
func TestManualControl_NameDoesNotReturn(t *testing.T) {
	h := newGuardHarness(t)
	remove := client.RawPatch(types.MergePatchType, []byte(annotate("pauser", "paused-until", "")))
	if err := h.as("pauser").Patch(t.Context(), h.policy, remove); err != nil {
		t.Fatal(err)
	}
	if by := h.policy.Annotations["scaling.dbscaler.io/paused-by"]; by == "" {
		t.Fatal("the name is gone, want it to stay")
	}
	err := h.patch(t.Context(), "pauser", annotate("pauser", "paused-until", "2026-02-05T18:00:00Z"))
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "names another user than pauser") {
		t.Errorf("the pause of another user is repeated under his name: %v", err)
	}
	if err := h.patch(t.Context(), "pauser", annotate("pauser", "paused-until", "2026-02-05T19:00:00Z")); err != nil {
		t.Errorf("another pause: %v", err)
	}
}

// TestManualControl_Creation checks that a new policy with annotations needs the verbs as well, and that its names are not checked: it
// may be restored from a backup.
func TestManualControl_Creation(t *testing.T) {
	h := newGuardHarness(t)
	create := func(user string, annotations map[string]string) error {
		p := h.policy.DeepCopy()
		p.ObjectMeta = metav1.ObjectMeta{Namespace: h.namespace, GenerateName: "orders-", Annotations: annotations}
		return h.as(user).Create(t.Context(), p, client.DryRunAll)
	}
	for name, annotations := range map[string]map[string]string{
		"approval": {"scaling.dbscaler.io/approve": "12345678"}, "pause": h.policy.Annotations,
	} {
		if err := create("author", annotations); !apierrors.IsForbidden(err) {
			t.Errorf("%s: got %v, want Forbidden without the verb", name, err)
		}
		if err := create("editor", annotations); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := create("author", map[string]string{"example.com/note": "x"}); err != nil {
		t.Error(err)
	}
	if err := h.as("author").Delete(t.Context(), h.policy.DeepCopy(), client.DryRunAll); err != nil {
		t.Errorf("the deletion: %v", err)
	}
}

// TestManualControl_Apply checks that a tool that applies the whole object, such as Argo CD, leaves the annotations of others alone.
func TestManualControl_Apply(t *testing.T) {
	h := newGuardHarness(t)
	manifest := map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "DBScalingPolicy", "metadata": map[string]any{"name": "orders"},
		"spec": map[string]any{
			"targetRef": map[string]any{"kind": "DBCluster", "identifier": "orders", "region": "eu-west-1"}, "mode": "Enforce",
			"readers": map[string]any{"instanceClasses": []string{"db.r6g.large"}, "maxReplicas": 2},
		},
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for user, wantForbidden := range map[string]bool{"author": false, "editor": false, "on-call": true, "patcher": true} {
		err := h.as(user).Patch(t.Context(), h.policy.DeepCopy(), client.RawPatch(types.ApplyPatchType, text), client.FieldOwner("gitops"),
			client.ForceOwnership, client.DryRunAll)
		if wantForbidden != apierrors.IsForbidden(err) || !wantForbidden && err != nil {
			t.Errorf("%s: got %v, want Forbidden: %t", user, err, wantForbidden)
		}
	}
}
