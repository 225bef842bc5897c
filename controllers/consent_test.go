package controllers

import (
	"regexp"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const ordersARN = "arn:aws:rds:eu-west-1:123456789012:cluster:orders"

// setOptInTag sets the opt-in tag of the cluster "orders" and its instances.
func (h *harness) setOptInTag(value string) {
	h.aws.WithWorld(func(w *model.World) {
		arns := []string{ordersARN}
		for _, i := range w.Instances("eu-west-1") {
			arns = append(arns, i.ARN())
		}
		for _, arn := range arns {
			if err := w.AddTags(arn, map[string]string{scaling.TagOptIn: value}); err != nil {
				h.t.Error(err)
			}
		}
	})
}

// metricsText is the metrics of the operator about policies, as Prometheus reads them.
func (h *harness) metricsText() string {
	families, err := h.registry.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "dbscaler_aws_") {
			continue // of the whole operator, about no policy
		}
		out.WriteString(createdAt.ReplaceAllString(f.String(), "") + "\n")
	}
	return out.String()
}

// createdAt matches when a metric was created, which is the time of the test.
var createdAt = regexp.MustCompile(`created_timestamp:\{[^}]*\}`)

// TestReconcile_ShowsNothingWithoutConsent: a policy of a database without the opt-in tag looks the same as a policy of a database that
// does not exist: in its status, its events and its metrics. Nothing changes in AWS.
func TestReconcile_ShowsNothingWithoutConsent(t *testing.T) {
	observe := func(t *testing.T, policy string, prepare func(*harness)) string {
		t.Helper()
		h := newHarness(t, overloadedCluster())
		prepare(h)
		h.applyPolicy(policy)
		h.runFor("p", 40*time.Minute, nil)
		h.expectChanges()
		h.requireAuthorized("p", "False "+v1alpha1.ReasonNotFoundOrNotOptedIn)
		h.expectNoStatusWrites("p", 10*time.Minute)
		shown := statusYAML(h.getPolicy("p")) + "\n" + strings.Join(h.events.all(), "\n") + "\n" + h.metricsText()
		return strings.ReplaceAll(shown, h.namespace, "NAMESPACE")
	}
	absent := observe(t, strings.Replace(verticalReadersPolicy, "identifier: orders", "identifier: absent", 1), func(*harness) {})
	want := strings.ReplaceAll(absent, `"absent"`, `"orders"`)
	for _, test := range []struct {
		name, policy string
		prepare      func(*harness)
	}{
		{"without the tag", verticalReadersPolicy, func(h *harness) { h.removeOptInTag(ordersARN) }},
		{"tag of another namespace", verticalReadersPolicy, func(h *harness) { h.setOptInTag("another") }},
		{"tag of another cluster", verticalReadersPolicy, func(h *harness) { h.setOptInTag(h.namespace + "@prod") }},
		{"classes that the engine does not run on", strings.ReplaceAll(verticalReadersPolicy, "db.r6g.xlarge", "db.m6g.xlarge"),
			func(h *harness) { h.removeOptInTag(ordersARN) }},
		{"finalizer set by a user", strings.Replace(verticalReadersPolicy, "name: p}", "name: p, finalizers: ["+surgeReaderFinalizer+"]}", 1),
			func(h *harness) { h.removeOptInTag(ordersARN) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := observe(t, test.policy, test.prepare); got != want {
				t.Errorf("a database without consent looks like\n%s\nand one that does not exist like\n%s", got, want)
			}
		})
	}
}

// TestReconcile_BlanksStatusWhenConsentIsWithdrawn: what status said about the database goes, and its metrics, too.
func TestReconcile_BlanksStatusWhenConsentIsWithdrawn(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 0.5, "db.r6g.large"))
	h.applyPolicy(verticalReadersPolicy)
	before := h.runUntil("p", "ready", 30*time.Minute, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionReady) == "True Ready"
	})
	if before.Status.Target == nil || !strings.Contains(h.metricsText(), "capacity") {
		t.Fatalf("the test is void: nothing was shown before; status:\n%s", statusYAML(before))
	}
	h.removeOptInTag(ordersARN)
	h.runFor("p", 3*time.Minute, nil)
	p := h.requireAuthorized("p", "False "+v1alpha1.ReasonNotFoundOrNotOptedIn)
	s := p.Status
	if s.Target != nil || s.Writer != nil || s.Readers != nil || s.CapacityShortages != nil || strings.Contains(statusYAML(p), "db.r6g") ||
		strings.Contains(statusYAML(p), "arn:") {
		t.Errorf("status still shows the database:\n%s", statusYAML(p))
	}
	if metrics := h.metricsText(); strings.Contains(metrics, `"Readers"`) || strings.Contains(metrics, `"Writer"`) {
		t.Errorf("metrics still show the database:\n%s", metrics)
	}
	h.setOptInTag(h.namespace)
	h.runUntil("p", "ready", 10*time.Minute, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionReady) == "True Ready" && p.Status.Target != nil
	})
}

// TestReconcile_ResumesOperationWhenConsentReturns: an operation in progress waits without consent and keeps what it needs.
func TestReconcile_ResumesOperationWhenConsentReturns(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.runUntil("p", "operating", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	h.removeOptInTag(ordersARN)
	changes := len(h.awsChanges())
	h.runFor("p", 20*time.Minute, nil)
	p := h.requireAuthorized("p", "False "+v1alpha1.ReasonNotFoundOrNotOptedIn)
	if p.Status.Operation == nil || p.Status.Target == nil || p.Status.Readers != nil || len(h.awsChanges()) != changes {
		t.Fatalf("want an operation that waits, with its target and without the pools; status:\n%s", statusYAML(p))
	}
	h.setOptInTag(h.namespace)
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
}

// TestReconcile_DeletesPolicyWithoutConsent: a policy that never changed anything is deleted at once, whatever finalizer a user has set,
// so that its deletion does not tell whether the database exists. One with an operation in progress says how to delete it.
func TestReconcile_DeletesPolicyWithoutConsent(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.removeOptInTag(ordersARN)
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "name: p}", "name: p, finalizers: ["+surgeReaderFinalizer+"]}", 1))
	h.runFor("p", time.Minute, nil)
	if err := h.client.Delete(t.Context(), h.getPolicy("p")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.reconcile("p"); err != nil {
		t.Fatal(err)
	}
	if err := h.client.Get(t.Context(), client.ObjectKey{Namespace: h.namespace, Name: "p"}, &v1alpha1.DBScalingPolicy{}); !apierrors.IsNotFound(err) {
		t.Errorf("the policy still exists: %v", err)
	}

	h.setOptInTag(h.namespace)
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "name: p}", "name: q}", 1))
	h.runUntil("q", "adding a surge reader", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Operation != nil && len(p.Finalizers) > 0 && len(h.awsChanges()) > 0
	})
	h.removeOptInTag(ordersARN)
	if err := h.client.Delete(t.Context(), h.getPolicy("q")); err != nil {
		t.Fatal(err)
	}
	h.runFor("q", 5*time.Minute, nil)
	q := h.requireAuthorized("q", "False "+v1alpha1.ReasonNotFoundOrNotOptedIn)
	if !strings.Contains(q.Status.Decision.Message, "remove the finalizer "+surgeReaderFinalizer) {
		t.Errorf("the message does not say how to delete the policy: %s", q.Status.Decision.Message)
	}
}

// TestReconcile_PolicyWithoutConsentDoesNotTakePrecedence: an older policy that the database does not allow does not block another.
func TestReconcile_PolicyWithoutConsentDoesNotTakePrecedence(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	other, _ := env.NewNamespace(t)
	h.seeNamespaces(h.namespace, other)
	squatter := *h
	squatter.namespace = other
	squatter.applyPolicy(verticalReadersPolicy) // the older one
	h.applyPolicy(verticalReadersPolicy)
	squatter.runFor("p", 3*time.Minute, nil)
	squatter.requireAuthorized("p", "False "+v1alpha1.ReasonNotFoundOrNotOptedIn)
	h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
}

// TestReconcile_NamesItsCluster: with a cluster name, a database that names this cluster is scaled, and new readers carry the name.
func TestReconcile_NamesItsCluster(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.clusterName = "prod"
	h.restartReconciler()
	h.setOptInTag(h.namespace + "@dev")
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", 10*time.Minute, nil)
	h.requireAuthorized("p", "False "+v1alpha1.ReasonNotFoundOrNotOptedIn)
	h.setOptInTag(h.namespace + "@prod")
	h.runUntil("p", "adding a reader", time.Hour, func(*v1alpha1.DBScalingPolicy) bool { return len(h.awsChanges()) > 0 })
	h.aws.WithWorld(func(w *model.World) {
		for _, i := range w.Instances("eu-west-1") {
			if i.Tags[scaling.TagCreatedBy] != "" && i.Tags[scaling.TagOperatedBy] != "prod" {
				t.Errorf("%s has the tags %v, want %s=prod", i.Identifier, i.Tags, scaling.TagOperatedBy)
			}
		}
	})
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
}

// TestReconcile_RefusesDatabaseOfOtherCluster: a reader of another cluster's operator is neither resized nor deleted, and the policy
// says who created it.
func TestReconcile_RefusesDatabaseOfOtherCluster(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.WithWorld(func(w *model.World) {
		if err := w.AddTags("arn:aws:rds:eu-west-1:123456789012:db:orders-2", map[string]string{
			scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagOperatedBy: "dev",
		}); err != nil {
			t.Error(err)
		}
	})
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", 40*time.Minute, nil)
	h.expectChanges()
	p := h.requireAuthorized("p", "False "+v1alpha1.ReasonOperatedByOtherCluster)
	if message := p.Status.Decision.Message; !strings.Contains(message, `orders-2 was created by the operator of the Kubernetes cluster "dev"`) {
		t.Errorf("the message is %s", message)
	}
}

// TestReconcile_SurvivesExpiredSession: credentials that AWS no longer accepts do not end the operation, and are replaced.
func TestReconcile_SurvivesExpiredSession(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyAccount("member", databaseRole, "")
	h.applyPolicy(strings.ReplaceAll(throughMember(verticalReadersPolicy), "MEMBER", h.accountName("member")))
	expired := 0
	h.runUntil("p", "resized", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		if p.Status.Operation != nil && expired < 5 {
			h.aws.ExpireSessions()
			expired++
		}
		return hasSucceeded(p)
	})
	if failed := h.events.withReason("OperationFailed"); expired == 0 || len(failed) > 0 {
		t.Errorf("sessions expired %d times, and operations failed: %v", expired, failed)
	}
}
