package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// requestCounter counts the lists of policies and the policies that the API server returned.
type requestCounter struct {
	client.Client
	requests int
	returned []v1alpha1.DBScalingPolicy
}

// List implements client.Reader.
func (c *requestCounter) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	c.requests++
	err := c.Client.List(ctx, list, opts...)
	if policies, ok := list.(*v1alpha1.DBScalingPolicyList); ok {
		c.returned = append(c.returned, policies.Items...)
	}
	return err
}

func (c *requestCounter) reset() { c.requests, c.returned = 0, nil }

// createPolicies creates that many policies, for databases that no other test uses.
func createPolicies(t *testing.T, c client.Client, namespace string, count int) []*v1alpha1.DBScalingPolicy {
	t.Helper()
	out := make([]*v1alpha1.DBScalingPolicy, count)
	for n := range out {
		out[n] = &v1alpha1.DBScalingPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("p-%04d", n)},
			Spec: v1alpha1.DBScalingPolicySpec{
				TargetRef: v1alpha1.TargetRef{Kind: "DBInstance", Identifier: fmt.Sprintf("%s-%d", namespace, n), Region: "eu-west-1"},
				Writer:    &v1alpha1.Writer{InstanceClasses: []v1alpha1.InstanceClass{"db.m6g.large"}},
			},
		}
		if err := c.Create(t.Context(), out[n]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// setOperating gives a policy an operation in progress, as the operator persists one.
func setOperating(t *testing.T, c client.Client, p *v1alpha1.DBScalingPolicy) {
	t.Helper()
	op := scaling.Operation{
		ID: "op-1", Pool: scaling.Writer, Direction: scaling.Up, Cause: "test", StartedAt: scenarioStart,
		From: scaling.Shape{InstanceClass: "db.m6g.large", Count: 1}, To: scaling.Shape{InstanceClass: "db.m6g.xlarge", Count: 1},
		Steps: []scaling.Step{{Action: scaling.ModifyInstanceClass, Instance: "ledger", InstanceClass: "db.m6g.xlarge"}},
	}
	p.Status.Operation = convert.OperationStatus(op)
	if err := c.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func names(policies []v1alpha1.DBScalingPolicy) []string {
	var out []string
	for n := range policies {
		out = append(out, policies[n].Namespace+"/"+policies[n].Name)
	}
	slices.Sort(out)
	return out
}

// TestListSavedPolicies_APIServerSelects: of more policies than a page has, the API server returns only those for the same database, and
// those with an operation. With a CRD without selectable fields, all are listed page by page, with the same result, and the log says so
// once.
func TestListSavedPolicies_APIServerSelects(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	counter := &requestCounter{Client: c}
	r := &Reconciler{APIReader: counter}
	var logged []string
	log := funcr.New(func(_, args string) { logged = append(logged, args) }, funcr.Options{})
	ctx := ctrllog.IntoContext(t.Context(), log)

	policies := createPolicies(t, c, namespace, listPageSize+20)
	other, _ := env.NewNamespace(t)
	own := policies[listPageSize+10]
	competitor := &v1alpha1.DBScalingPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: other, Name: "competitor"}, Spec: own.Spec}
	if err := c.Create(t.Context(), competitor); err != nil {
		t.Fatal(err)
	}
	setOperating(t, c, policies[listPageSize+15])
	setOperating(t, c, competitor)
	wantCompetitors := []string{namespace + "/" + own.Name, other + "/competitor"}
	slices.Sort(wantCompetitors)

	check := func(atMostReturned, atLeastRequests int) {
		t.Helper()
		counter.reset()
		got, err := r.listCompetitors(ctx, own)
		if err != nil || !got.complete || !slices.Equal(names(got.items), wantCompetitors) {
			t.Errorf("the competitors are %v (complete %t) with error %v, want %v", names(got.items), got.complete, err, wantCompetitors)
		}
		if len(counter.returned) > atMostReturned || counter.requests < atLeastRequests {
			t.Errorf("%d policies were returned to %d requests, want at most %d to at least %d", len(counter.returned), counter.requests,
				atMostReturned, atLeastRequests)
		}
		counter.reset()
		got, err = r.listOperating(ctx)
		found := names(got.items)
		if err != nil || !slices.Contains(found, namespace+"/"+policies[listPageSize+15].Name) || !slices.Contains(found, other+"/competitor") {
			t.Errorf("the policies that operate are %v with error %v", found, err)
		}
		for n := range got.items {
			if !convert.CountsInFleet(&got.items[n]) {
				t.Errorf("%s does not count in the fleet and is among the policies that operate", got.items[n].Name)
			}
		}
	}
	check(2, 1)
	for n := range counter.returned { // by listOperating
		if counter.returned[n].Status.Operation == nil {
			t.Errorf("the API server returned %s, which has no operation", counter.returned[n].Name)
		}
	}
	if len(logged) > 0 {
		t.Errorf("the log has %q, want nothing", logged)
	}

	removeSelectableFields(t, c)
	check(1<<20, 3) // one that is refused, and two pages
	check(1<<20, 3)
	if len(counter.returned) <= listPageSize {
		t.Errorf("%d policies were returned, want all", len(counter.returned))
	}
	if len(logged) != 1 || !strings.Contains(logged[0], "field label not supported") {
		t.Errorf("the log has %q, want one line with the error of the API server", logged)
	}
}

// removeSelectableFields makes the API server forget the selectable fields until the end of the test, as one does whose CRD is older.
func removeSelectableFields(t *testing.T, admin client.Client) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(env.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	key := client.ObjectKey{Name: "dbscalingpolicies.scaling.dbscaler.io"}
	if err := c.Get(t.Context(), key, crd); err != nil {
		t.Fatal(err)
	}
	all := crd.Spec.Versions[0].SelectableFields
	update := func(ctx context.Context, to []apiextensionsv1.SelectableField, selects bool) {
		crd.Spec.Versions[0].SelectableFields = to
		if err := c.Update(ctx, crd); err != nil {
			t.Fatal(err)
		}
		err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			err := admin.List(ctx, &v1alpha1.DBScalingPolicyList{}, client.MatchingFields{fieldOperation: "x"})
			return (err == nil) == selects, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { update(context.WithoutCancel(t.Context()), all, true) })
	update(t.Context(), nil, false)
}

// TestListSavedPolicies_RefusalThatIsNotAboutFields: an error other than an unknown field is not worked around.
func TestListSavedPolicies_RefusalThatIsNotAboutFields(t *testing.T) {
	_, c := env.NewNamespace(t)
	_, err := (&Reconciler{APIReader: c}).listSavedPolicies(t.Context(), fields.Everything(), func(*v1alpha1.DBScalingPolicy) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&Reconciler{APIReader: restrictedClient(t, "nobody")}).listOperating(t.Context())
	if !apierrors.IsForbidden(err) {
		t.Errorf("without permission and without --watch-namespaces the error is %v, want Forbidden", err)
	}
}

// restrictedClient returns a client of a user that may list policies in these namespaces only.
func restrictedClient(t *testing.T, user string, namespaces ...string) client.Client {
	t.Helper()
	admin, err := env.Client()
	if err != nil {
		t.Fatal(err)
	}
	for _, namespace := range namespaces {
		meta := metav1.ObjectMeta{Namespace: namespace, Name: user}
		for _, o := range []client.Object{
			&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{"scaling.dbscaler.io"}, Resources: []string{"dbscalingpolicies"}, Verbs: []string{"list"}},
			}},
			&rbacv1.RoleBinding{
				ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
				Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
			},
		} {
			if err := admin.Create(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := clientAs(t, user)
	for _, namespace := range namespaces { // the authorizer reads roles with a delay
		err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			return c.List(ctx, &v1alpha1.DBScalingPolicyList{}, client.InNamespace(namespace)) == nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// clientAs returns a client of a user.
func clientAs(t *testing.T, user string) client.Client {
	t.Helper()
	config := env.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	c, err := client.New(config, client.Options{Scheme: env.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestReconcile_ListsWatchedNamespacesOnly: the operator may list the policies of its namespace only. It changes a database whose tag admits
// that namespace, and leaves one alone that admits others as well, until it may list all.
func TestReconcile_ListsWatchedNamespacesOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tag         string
		wantChanges bool
	}{{"NAMESPACE", true}, {`"@any"`, false}} {
		t.Run(test.tag, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, strings.ReplaceAll(overloadedCluster(), "policy-namespace: NAMESPACE", "policy-namespace: "+test.tag))
			h.reconciler.WatchNamespaces, h.reconciler.WatchesSubset = []string{h.namespace}, true
			h.reconciler.MaxDisruptiveOperations = 2
			h.reconciler.APIReader = restrictedClient(t, "operator-of-"+h.namespace, h.namespace)
			h.applyPolicy(verticalReadersPolicy)
			if test.wantChanges {
				h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
				return
			}
			h.runUntil("p", "denied", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				return conditionSummary(p, v1alpha1.ConditionAuthorized) == "False "+v1alpha1.ReasonPoliciesUnknown
			})
			h.expectNoStatusWrites("p", 20*time.Minute)
			h.expectChanges()
			h.reconciler.APIReader = h.apiReader
			h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
		})
	}
}

// labelledClient is a cache that has only the policies with a label.
type labelledClient struct {
	client.Client
	selector client.MatchingLabels
}

// List implements client.Reader.
func (c labelledClient) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if _, ok := list.(*v1alpha1.DBScalingPolicyList); ok {
		opts = append(opts, c.selector)
	}
	return c.Client.List(ctx, list, opts...)
}

// watchLabel restricts the cache of the reconciler to the policies with the label team.
func (h *harness) watchLabel(team string) {
	h.reconciler.Client = labelledClient{h.client, client.MatchingLabels{"team": team}}
	h.reconciler.WatchesSubset = true
}

// TestReconcile_DefersToPolicyOfAnotherOperator: two operators watch policies by label. The older policy for the same database, which only
// the other one watches, keeps its precedence, and the younger says so without changing its status again and again.
func TestReconcile_DefersToPolicyOfAnotherOperator(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "name: p}", "name: p, labels: {team: theirs}}", 1))
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "name: p}", "name: q, labels: {team: ours}}", 1))
	h.watchLabel("ours")
	h.runUntil("q", "deferred", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionAuthorized) == "False "+v1alpha1.ReasonPolicyConflict
	})
	h.expectNoStatusWrites("q", 20*time.Minute)
	h.expectChanges()
	if err := h.client.Delete(t.Context(), h.getPolicy("p")); err != nil {
		t.Fatal(err)
	}
	h.runUntil("q", "resized", 3*time.Hour, hasSucceeded)
}

// TestReconcile_StopsForOlderPolicyOfAnotherOperator: while an operation of the younger policy is in progress, the older one, which only the
// other operator watches, gets access to the database. The operation waits, because the other operator may act now.
func TestReconcile_StopsForOlderPolicyOfAnotherOperator(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(strings.NewReplacer("name: p}", "name: p, labels: {team: theirs}}", "region: eu-west-1", "region: eu-west-1, accountRef: {name: "+
		h.accountName("late")+"}").Replace(verticalReadersPolicy))
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "name: p}", "name: q, labels: {team: ours}}", 1))
	h.watchLabel("ours")
	h.runUntil("q", "operating", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	h.applyAccount("late", "", "") // the operator's own identity: the same database
	h.runUntil("q", "deferred", 5*time.Minute, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionAuthorized) == "False "+v1alpha1.ReasonPolicyConflict && p.Status.Operation != nil
	})
	changes := len(h.awsChanges())
	h.runFor("q", 30*time.Minute, nil)
	if got := h.awsChanges(); len(got) != changes {
		t.Errorf("the operation went on: %v", got)
	}
}

// TestReconcile_CountsSlotsOfOtherOperators: the only slot is held by a policy that only another operator watches. The policy waits, and
// does not acquire and release a slot again and again.
func TestReconcile_CountsSlotsOfOtherOperators(t *testing.T) {
	h := newHarness(t, undersizedInstances(2))
	h.reconciler.MaxDisruptiveOperations = 1
	theirs := h.applyPolicy(strings.NewReplacer("name: p}", "name: p0, labels: {team: theirs}}", "ledger", "ledger-0").Replace(rdsInstancePolicy))
	setOperating(t, h.client, theirs)
	h.applyPolicy(strings.NewReplacer("name: p}", "name: p1, labels: {team: ours}}", "ledger", "ledger-1").Replace(rdsInstancePolicy))
	h.watchLabel("ours")
	h.runUntil("p1", "waiting", time.Hour, isBlockedBy(guard.FleetSlot))
	h.runFor("p1", time.Minute, nil) // the next decision has the alternatives as well
	h.expectNoStatusWrites("p1", 20*time.Minute)
	h.expectChanges()
	theirs = h.getPolicy("p0")
	theirs.Status.Operation = nil
	if err := h.client.Status().Update(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	h.runUntil("p1", "resized", 2*time.Hour, hasSucceeded)
}
