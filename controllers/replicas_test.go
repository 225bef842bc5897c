package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// TestReconcile_RequestsRefusedChangeOnce: AWS refuses a class. The operator remembers its words, chooses another class, and does not
// count the refused operation.
func TestReconcile_RequestsRefusedChangeOnce(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "CreateDBInstance", Code: "KMSKeyNotAccessibleFault", HTTPStatus: 400,
		Message: "The specified KMS key is not accessible", ExpiresAt: scenarioStart.Add(4 * time.Hour)})
	h.applyPolicy(horizontalReadersPolicy)
	p := h.runUntil("p", "refused", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.Refusals) > 0 })
	r := p.Status.Refusals[0]
	if r.Action != "CreateReader" || r.InstanceClass != "" || !strings.Contains(r.Message, "KMS key is not accessible") || r.Generation != p.Generation {
		t.Errorf("the refusal is %+v", r)
	}
	if last := p.Status.History[0]; last.Reason != v1alpha1.ReasonRefusedByAWS || last.Effect != v1alpha1.EffectNone || len(last.Instances) > 0 {
		t.Errorf("the record is %+v", last)
	}
	h.runFor("p", 2*time.Hour, nil)
	if changes := h.awsChanges(); len(changes) != 1 {
		t.Errorf("AWS changes are\n%s\nwant one", strings.Join(changes, "\n"))
	}
	p = h.getPolicy("p")
	if d := p.Status.Decision; d.Reason != "NoSuitableShape" || !strings.Contains(d.Message, "KMS key is not accessible") {
		t.Errorf("the decision is %s: %s", d.Reason, d.Message)
	}
	p.Spec.Readers.MaxReplicas = 3 // another generation: it tries again
	if err := h.client.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	h.runFor("p", 30*time.Minute, nil)
	if changes := h.awsChanges(); len(changes) != 2 {
		t.Errorf("after an edit AWS changes are\n%s\nwant two", strings.Join(changes, "\n"))
	}
}

// TestReconcile_EndsAfterEqualAnswers: AWS answers each attempt with the same state. Its words are in the step, and in the end in the
// record and in the memory of refusals.
func TestReconcile_EndsAfterEqualAnswers(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "CreateDBInstance", Code: "InvalidDBInstanceState", HTTPStatus: 400,
		Message: "The snapshot is not usable", ExpiresAt: scenarioStart.Add(4 * time.Hour)})
	h.applyPolicy(horizontalReadersPolicy)
	p := h.runUntil("p", "answered twice", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Operation != nil && p.Status.Operation.Steps[0].SameAnswers == 2
	})
	if got := p.Status.Operation.Steps[0].Message; !strings.Contains(got, "The snapshot is not usable") {
		t.Errorf("the message of the step is %q", got)
	}
	p = h.runUntil("p", "ended", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) > 0 })
	if last := p.Status.History[0]; last.Reason != v1alpha1.ReasonRefusedByAWS || !strings.Contains(last.Message, "5 times") ||
		!strings.Contains(last.Message, "The snapshot is not usable") {
		t.Errorf("the record is %+v", last)
	}
	h.runFor("p", 2*time.Hour, nil)
	if changes := h.awsChanges(); len(changes) != 5 || len(h.getPolicy("p").Status.Refusals) != 1 {
		t.Errorf("AWS changes are\n%s\nwant five", strings.Join(changes, "\n"))
	}
}

// TestReconcile_ReplicaWithoutClients: the second replica has no clients. It is no capacity, no further one is added, and the first one
// gets a larger class.
func TestReconcile_ReplicaWithoutClients(t *testing.T) {
	scenario := strings.Replace(rdsInstanceWithReplicas(1.7, "db.m6g.large", "db.m6g.large"), "ledger-2, class", "ledger-2, clientWeight: 0, class", 1)
	h := newHarness(t, scenario)
	h.applyPolicy(strings.Replace(readReplicasPolicy, ", preference: Vertical", "", 1))
	h.runUntil("p", "condition", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionReplicaWithoutClients) == "True NoConnections"
	})
	if got := h.events.withReason(events.ReplicaWithoutClients); len(got) != 1 || !strings.Contains(got[0], "ledger-2") {
		t.Errorf("events are %v, want one that names ledger-2", got)
	}
	p := h.runUntil("p", "scaled up", 3*time.Hour, hasSucceeded)
	if to := p.Status.History[0].To; to.InstanceClass != "db.m6g.xlarge" || *to.Replicas > 2 {
		t.Errorf("the pool became %+v, want a larger class and no more replicas", to)
	}
	if got := p.Status.Readers.Instances[0].Endpoint; got != "ledger-1.simulated.eu-west-1.rds.amazonaws.com:5432" || p.Status.Readers.Endpoint != "" {
		t.Errorf("the endpoints are %q and %q", got, p.Status.Readers.Endpoint)
	}
}

// TestReconcile_SourceThatCannotBeReplicated: nothing is requested, and the decision says what to do.
func TestReconcile_SourceThatCannotBeReplicated(t *testing.T) {
	scenario := strings.Replace(rdsInstanceWithReplicas(1.9, "db.m6g.large"), "  replicas:", "  settings: {noAutomatedBackups: true}\n  replicas:", 1)
	h := newHarness(t, scenario)
	h.applyPolicy(`
metadata: {name: p}
spec:
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  readers: {instanceClasses: [db.m6g.large], minReplicas: 1, maxReplicas: 3}
`)
	p := h.runUntil("p", "limited", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Decision != nil && p.Status.Decision.Reason == "NoSuitableShape"
	})
	if got := p.Status.Decision.Message; !strings.Contains(got, "automated backups are off") {
		t.Errorf("the message is %q", got)
	}
	if changes := h.awsChanges(); len(changes) > 0 {
		t.Errorf("AWS changes are %v", changes)
	}
}

// TestReconcile_PublishesEndpointsAfterConsent: without the opt-in tag no address is in status.
func TestReconcile_PublishesEndpointsAfterConsent(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.WithWorld(func(w *model.World) {
		c, err := w.Cluster("eu-west-1", "orders")
		if err == nil {
			err = w.RemoveTags(c.ARN(), []string{"dbscaler.io/policy-namespace"})
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	h.applyPolicy(horizontalReadersPolicy)
	h.runFor("p", 2*time.Minute, nil)
	p := h.getPolicy("p")
	if w := p.Status.Writer; w != nil {
		t.Errorf("without consent the writer is %+v", w)
	}
	h.aws.WithWorld(func(w *model.World) {
		c, err := w.Cluster("eu-west-1", "orders")
		if err == nil {
			err = w.AddTags(c.ARN(), map[string]string{"dbscaler.io/policy-namespace": h.namespace})
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	h.runFor("p", 3*time.Minute, nil)
	p = h.getPolicy("p")
	if p.Status.Writer.Endpoint != "orders.cluster-simulated.eu-west-1.rds.amazonaws.com:5432" ||
		p.Status.Readers.Endpoint != "orders.cluster-ro-simulated.eu-west-1.rds.amazonaws.com:5432" ||
		p.Status.Readers.Instances[0].Endpoint != "orders-2.simulated.eu-west-1.rds.amazonaws.com:5432" {
		t.Errorf("with consent the writer is %+v, the readers %+v", p.Status.Writer, p.Status.Readers)
	}
}
