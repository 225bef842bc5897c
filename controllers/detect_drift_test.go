package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/ownership"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// modifyExternally sets the class of an instance as Terraform does, and not through the operator.
func (l *harness) modifyExternally(instance, class string) {
	l.t.Helper()
	l.aws.WithWorld(func(w *model.World) {
		if _, err := w.ModifyInstance("eu-west-1", instance, model.ModifyInstanceRequest{Class: ptr.To(class), ApplyImmediately: true}); err != nil {
			l.t.Error(err)
		}
	})
}

// succeededAtLeast counts the operations that ended well.
func succeededAtLeast(n int) func(*v1alpha1.DBScalingPolicy) bool {
	return func(p *v1alpha1.DBScalingPolicy) bool {
		got := 0
		for _, r := range p.Status.History {
			if r.Outcome == v1alpha1.OutcomeSucceeded {
				got++
			}
		}
		return got >= n
	}
}

func revertedAtLeast(n int) func(*v1alpha1.DBScalingPolicy) bool {
	return func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Ownership != nil && len(p.Status.Ownership.Reverts) >= n
	}
}

// TestReconcile_StopsAfterSecondRevert: the first time it is told and the load decides again; the second time nothing is asked of AWS any
// more, whatever the load, until a person says so. It survives restarts.
func TestReconcile_StopsAfterSecondRevert(t *testing.T) {
	for name, act := range map[string]func(*harness){
		"the annotation": func(l *harness) { l.annotate("p", map[string]string{v1alpha1.AnnotationResolveConflict: "1707130000"}) },
		"the spec": func(l *harness) {
			p := l.getPolicy("p")
			p.Spec.Readers.MaxReplicas = 5
			if err := l.client.Update(l.t.Context(), p); err != nil {
				l.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newHarness(t, overloadedCluster())
			l.applyPolicy(verticalReadersPolicy)
			l.annotate("p", map[string]string{v1alpha1.AnnotationResolveConflict: "from an earlier time"})
			l.runUntil("p", "resized", 2*time.Hour, succeededAtLeast(1))
			l.modifyExternally("orders-2", "db.r6g.large")
			p := l.runUntil("p", "reverted", time.Hour, revertedAtLeast(1))
			r := p.Status.Ownership.Reverts[0]
			if r.Instance != "orders-2" || r.ExpectedInstanceClass != "db.r6g.xlarge" || r.ObservedInstanceClass != "db.r6g.large" || r.Operation != p.Status.History[0].ID ||
				conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "absent" {
				t.Errorf("status:\n%s", statusYAML(p))
			}
			if got := l.events.withReason(events.ChangeReverted); len(got) != 1 || !strings.Contains(got[0], "orders-2 was changed from db.r6g.xlarge to db.r6g.large") {
				t.Errorf("it was told %v", got)
			}
			l.runUntil("p", "resized again", 3*time.Hour, succeededAtLeast(2))
			l.modifyExternally("orders-2", "db.r6g.large")
			p = l.runUntil("p", "in conflict", time.Hour, revertedAtLeast(2))
			if conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "True RevertedTwice" || conditionSummary(p, v1alpha1.ConditionStalled) != "True RevertedTwice" {
				t.Errorf("status:\n%s", statusYAML(p))
			}

			asked := len(l.awsChanges())
			l.runFor("p", time.Hour, nil)
			l.restartReconciler()
			l.clock.Step(25 * time.Hour) // past the day in which a change counts as a revert
			l.runFor("p", 2*time.Hour, nil)
			if got := l.awsChanges(); len(got) != asked {
				t.Fatalf("hands were not off:\n%s", strings.Join(got[asked:], "\n"))
			}
			p = l.getPolicy("p")
			if !isBlockedBy("OwnershipConflict")(p) || conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "True RevertedTwice" {
				t.Fatalf("status:\n%s", statusYAML(p))
			}
			if !strings.Contains(p.Status.Decision.Message, "scaling.dbscaler.io/resolve-conflict=") {
				t.Errorf("it does not say what to do: %s", p.Status.Decision.Message)
			}
			writes := *l.statusWrites
			l.runFor("p", time.Hour, nil)
			if *l.statusWrites != writes {
				t.Errorf("status was written %d times while nothing changed", *l.statusWrites-writes)
			}

			act(l)
			p = l.runUntil("p", "resized after all", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				return isIdle(p) && l.clusterShape("orders") == "db.r6g.xlarge + db.r6g.xlarge"
			})
			if conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "absent" || conditionSummary(p, v1alpha1.ConditionStalled) != "absent" ||
				p.Status.Ownership.Conflict != nil || len(p.Status.Ownership.Reverts) > 0 {
				t.Errorf("status:\n%s", statusYAML(p))
			}
			for reason, want := range map[string]int{events.ChangeReverted: 2, events.OwnershipConflict: 1, events.ConflictResolved: 1} {
				if got := l.events.withReason(reason); len(got) != want {
					t.Errorf("%d events %s, want %d: %v", len(got), reason, want, got)
				}
			}
		})
	}
}

// TestReconcile_OwnChangesAreNoReverts: what the operator itself does, up and down again, is no revert.
func TestReconcile_OwnChangesAreNoReverts(t *testing.T) {
	l := newHarness(t, strings.Replace(overloadedCluster(), "readers: {points: [{at: 0h, vcpus: 1.7}]}",
		"readers: {points: [{at: 0h, vcpus: 1.7}, {at: 2h, vcpus: 1.7}, {at: 3h, vcpus: 0.3}, {at: 6h, vcpus: 0.3}, {at: 7h, vcpus: 1.7}]}", 1))
	l.applyPolicy(horizontalReadersPolicy)
	p := l.runUntil("p", "resized three times", 12*time.Hour, succeededAtLeast(3))
	if p.Status.Ownership != nil || len(l.events.withReason(events.ChangeReverted)) > 0 {
		t.Errorf("status:\n%s\n%v", statusYAML(p), l.events.withReason(events.ChangeReverted))
	}
}

// TestReconcile_LeavesReaderCountToAutoScaling: it has the number of readers, we have their class.
func TestReconcile_LeavesReaderCountToAutoScaling(t *testing.T) {
	l := newHarness(t, strings.Replace(overloadedCluster(), "  engine: aurora", "  autoScaling: {minCapacity: 1, maxCapacity: 4}\n  engine: aurora", 1))
	l.applyPolicy(strings.Replace(horizontalReadersPolicy, "[db.r6g.large]", "[db.r6g.large, db.r6g.xlarge]", 1))
	l.runUntil("p", "resized", 2*time.Hour, succeededAtLeast(1))
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.xlarge" {
		t.Errorf("the cluster is %s", got)
	}
}

// minimalCRD is the least that the API server needs to store objects of a kind.
func minimalCRD(group, version, kind, plural string) *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, ListKind: kind + "List", Plural: plural, Singular: strings.ToLower(kind)},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: version, Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{
					OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)},
				},
			}},
		},
	}
}

// TestReconcile_BlockedByACKDeclaration: nothing is changed that its controller would change back, until the object is told to leave the
// database alone.
func TestReconcile_BlockedByACKDeclaration(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	finder, err := ownership.New(env.Config(), l.clock, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	l.reconciler.Declarations = finder
	l.applyPolicy(verticalReadersPolicy)
	l.runFor("p", 5*time.Minute, nil) // there is no CRD yet
	if _, err := envtest.InstallCRDs(env.Config(), envtest.CRDInstallOptions{
		CRDs: []*apiextensionsv1.CustomResourceDefinition{minimalCRD("rds.services.k8s.aws", "v1alpha1", "DBInstance", "dbinstances")},
	}); err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rds.services.k8s.aws/v1alpha1", "kind": "DBInstance",
		"metadata": map[string]any{"name": "reader", "namespace": l.namespace},
		"spec":     map[string]any{"dbInstanceIdentifier": "orders-2", "dbInstanceClass": "db.r6g.large", "engine": "aurora-postgresql"},
	}}
	if err := l.client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	p := l.runUntil("p", "held back", time.Hour, isBlockedBy("DeclaredElsewhere"))
	for _, text := range []string{"ACK's DBInstance " + l.namespace + "/reader", "orders-2 is db.r6g.large", `services.k8s.aws/read-only="true"`} {
		if !strings.Contains(p.Status.Decision.Message, text) {
			t.Errorf("the message %q does not say %q", p.Status.Decision.Message, text)
		}
	}
	l.runFor("p", time.Hour, nil)
	if got := l.awsChanges(); len(got) > 0 {
		t.Fatalf("AWS was asked for\n%s", strings.Join(got, "\n"))
	}
	object.SetAnnotations(map[string]string{"services.k8s.aws/read-only": "true"})
	if err := l.client.Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	l.runUntil("p", "resized", 2*time.Hour, succeededAtLeast(1))
	if got := l.awsChanges(); !slices.Contains(got, "ModifyDBInstance orders-2 db.r6g.xlarge") {
		t.Errorf("AWS was asked for\n%s", strings.Join(got, "\n"))
	}
}
