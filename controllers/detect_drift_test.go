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

// modifyExternally sets the class of an instance as another client such as Terraform does.
func (h *harness) modifyExternally(instance, class string) {
	h.t.Helper()
	h.aws.WithWorld(func(w *model.World) {
		if _, err := w.ModifyInstance("eu-west-1", instance, model.ModifyInstanceRequest{Class: ptr.To(class), ApplyImmediately: true}); err != nil {
			h.t.Error(err)
		}
	})
}

// succeededAtLeast reports whether that many operations have succeeded.
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

// TestReconcile_StopsAfterSecondRevert: after the first revert there is an event, and scaling goes on. After the second, nothing
// changes in AWS until a person acts, even after a restart.
func TestReconcile_StopsAfterSecondRevert(t *testing.T) {
	t.Parallel()
	for name, resolve := range map[string]func(*harness){
		"resolved by annotation": func(h *harness) { h.annotate("p", map[string]string{v1alpha1.AnnotationResolveConflict: "1707130000"}) },
		"resolved by a change of the spec": func(h *harness) {
			p := h.getPolicy("p")
			p.Spec.Readers.MaxReplicas = 5
			if err := h.client.Update(h.t.Context(), p); err != nil {
				h.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, overloadedCluster())
			h.applyPolicy(verticalReadersPolicy)
			h.annotate("p", map[string]string{v1alpha1.AnnotationResolveConflict: "from an earlier time"})
			h.runUntil("p", "resized", 2*time.Hour, succeededAtLeast(1))
			h.modifyExternally("orders-2", "db.r6g.large")
			p := h.runUntil("p", "reverted", time.Hour, revertedAtLeast(1))
			r := p.Status.Ownership.Reverts[0]
			if r.Instance != "orders-2" || r.ExpectedInstanceClass != "db.r6g.xlarge" || r.ObservedInstanceClass != "db.r6g.large" ||
				r.Operation != p.Status.History[0].ID || conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "absent" {
				t.Errorf("the revert is not recorded; status:\n%s", statusYAML(p))
			}
			const change = "orders-2 was changed from db.r6g.xlarge to db.r6g.large"
			if got := h.events.withReason(events.ChangeReverted); len(got) != 1 || !strings.Contains(got[0], change) {
				t.Errorf("events are %v, want one with %q", got, change)
			}
			h.runUntil("p", "resized again", 3*time.Hour, succeededAtLeast(2))
			h.modifyExternally("orders-2", "db.r6g.large")
			p = h.runUntil("p", "in conflict", time.Hour, revertedAtLeast(2))
			for _, condition := range []string{v1alpha1.ConditionOwnershipConflict, v1alpha1.ConditionStalled} {
				if got := conditionSummary(p, condition); got != "True RevertedTwice" {
					t.Errorf("%s is %s, want True RevertedTwice", condition, got)
				}
			}

			changes := len(h.awsChanges())
			h.runFor("p", time.Hour, nil)
			h.restartReconciler()
			h.clock.Step(25 * time.Hour) // longer than the day within which a change counts as a revert
			h.runFor("p", 2*time.Hour, nil)
			if got := h.awsChanges(); len(got) != changes {
				t.Fatalf("AWS changes during the conflict are\n%s\nwant none", strings.Join(got[changes:], "\n"))
			}
			p = h.getPolicy("p")
			if !isBlockedBy("OwnershipConflict")(p) || conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "True RevertedTwice" {
				t.Fatalf("the conflict is not shown; status:\n%s", statusYAML(p))
			}
			if m := p.Status.Decision.Message; !strings.Contains(m, "scaling.dbscaler.io/resolve-conflict=") ||
				!strings.Contains(m, "run: kubectl dbscaler resolve p -n "+h.namespace) {
				t.Errorf("the message %q does not name the command and the annotation that resolve the conflict", m)
			}
			h.expectNoStatusWrites("p", time.Hour)

			resolve(h)
			p = h.runUntil("p", "resized after the conflict", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				return isIdle(p) && h.clusterShape("orders") == "db.r6g.xlarge + db.r6g.xlarge"
			})
			if conditionSummary(p, v1alpha1.ConditionOwnershipConflict) != "absent" || conditionSummary(p, v1alpha1.ConditionStalled) != "absent" ||
				p.Status.Ownership.Conflict != nil || len(p.Status.Ownership.Reverts) > 0 {
				t.Errorf("the conflict is still shown; status:\n%s", statusYAML(p))
			}
			for reason, want := range map[string]int{events.ChangeReverted: 2, events.OwnershipConflict: 1, events.ConflictResolved: 1} {
				if got := h.events.withReason(reason); len(got) != want {
					t.Errorf("%d events %s, want %d: %v", len(got), reason, want, got)
				}
			}
		})
	}
}

// TestReconcile_OwnChangesAreNoReverts: scaling up and down again is not detected as a revert.
func TestReconcile_OwnChangesAreNoReverts(t *testing.T) {
	h := newHarness(t, strings.Replace(overloadedCluster(), "readers: {points: [{at: 0h, vcpus: 1.7}]}",
		"readers: {points: [{at: 0h, vcpus: 1.7}, {at: 2h, vcpus: 1.7}, {at: 3h, vcpus: 0.3}, {at: 6h, vcpus: 0.3}, {at: 7h, vcpus: 1.7}]}", 1))
	h.applyPolicy(horizontalReadersPolicy)
	p := h.runUntil("p", "resized three times", 12*time.Hour, succeededAtLeast(3))
	if p.Status.Ownership != nil || len(h.events.withReason(events.ChangeReverted)) > 0 {
		t.Errorf("reverts are recorded: events %v, status:\n%s", h.events.withReason(events.ChangeReverted), statusYAML(p))
	}
}

// TestReconcile_LeavesReaderCountToAutoScaling: Aurora Auto Scaling manages the number of readers, the operator their class.
func TestReconcile_LeavesReaderCountToAutoScaling(t *testing.T) {
	h := newHarness(t, strings.Replace(overloadedCluster(), "  engine: aurora", "  autoScaling: {minCapacity: 1, maxCapacity: 4}\n  engine: aurora", 1))
	h.applyPolicy(strings.Replace(horizontalReadersPolicy, "[db.r6g.large]", "[db.r6g.large, db.r6g.xlarge]", 1))
	h.runUntil("p", "resized", 2*time.Hour, succeededAtLeast(1))
	h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
}

// minimalCRD is a CRD with no more than the API server needs to store objects of a kind.
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

// TestReconcile_BlockedByACKDeclaration: an instance whose class an ACK resource declares is not changed, because the ACK controller
// would revert it, until the resource is read-only.
func TestReconcile_BlockedByACKDeclaration(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	finder, err := ownership.New(env.Config(), h.clock, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	h.reconciler.Declarations = finder
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", 5*time.Minute, nil) // the CRD does not exist yet
	if _, err := envtest.InstallCRDs(env.Config(), envtest.CRDInstallOptions{
		CRDs: []*apiextensionsv1.CustomResourceDefinition{minimalCRD("rds.services.k8s.aws", "v1alpha1", "DBInstance", "dbinstances")},
	}); err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rds.services.k8s.aws/v1alpha1", "kind": "DBInstance",
		"metadata": map[string]any{"name": "reader", "namespace": h.namespace},
		"spec":     map[string]any{"dbInstanceIdentifier": "orders-2", "dbInstanceClass": "db.r6g.large", "engine": "aurora-postgresql"},
	}}
	if err := h.client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	p := h.runUntil("p", "blocked", time.Hour, isBlockedBy("DeclaredElsewhere"))
	for _, text := range []string{"ACK's DBInstance " + h.namespace + "/reader", "orders-2 is db.r6g.large", `services.k8s.aws/read-only="true"`} {
		if !strings.Contains(p.Status.Decision.Message, text) {
			t.Errorf("the message %q does not say %q", p.Status.Decision.Message, text)
		}
	}
	h.runFor("p", time.Hour, nil)
	h.expectChanges()
	object.SetAnnotations(map[string]string{"services.k8s.aws/read-only": "true"})
	if err := h.client.Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	h.runUntil("p", "resized", 2*time.Hour, succeededAtLeast(1))
	if got := h.awsChanges(); !slices.Contains(got, "ModifyDBInstance orders-2 db.r6g.xlarge") {
		t.Errorf("AWS changes are\n%s\nwant orders-2 resized", strings.Join(got, "\n"))
	}
}
