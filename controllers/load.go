package controllers

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/conditions"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// reconcileScope is what one reconcile knows.
type reconcileScope struct {
	// now is read once and passed down.
	now time.Time
	// deleting says that the policy was deleted and has something to remove first.
	deleting bool
	// original is the object as it was read; object is the copy whose status is changed.
	original, object *v1alpha1.DBScalingPolicy
	// lastWritten is the object as it was last written in this visit, if it was.
	lastWritten *v1alpha1.DBScalingPolicy
	conditions  conditions.Setter
	policy      scaling.Policy
	observation scaling.Observation
	// assessments is how each pool was looked at.
	assessments []scaling.PoolAssessment
	// operation is the one under way, or nil; claimed says that this visit made sure that there is a slot for it.
	operation    *scaling.Operation
	slotAcquired bool
	// limit says what holds a change back, if anything does.
	limit *scalingLimit
	// pendingEvents are the events to record once the status has been written.
	pendingEvents []pendingEvent
	// completedOutcome is set when an operation ended in this visit.
	completedOutcome string
	// requeueAfter is when to look again, in the clock's time.
	requeueAfter time.Duration
}

// latestWritten is the object as the API server has it, as far as this visit knows.
func (v *reconcileScope) latestWritten() *v1alpha1.DBScalingPolicy {
	if v.lastWritten != nil {
		return v.lastWritten
	}
	return v.original
}

type scalingLimit struct{ reason, message string }

type pendingEvent struct {
	warning                 bool
	reason, action, message string
}

// load reads the policy. It returns nothing when the policy is gone or going.
func (r *Reconciler) load(ctx context.Context, request ctrl.Request) (*reconcileScope, error) {
	before := &v1alpha1.DBScalingPolicy{}
	err := r.Client.Get(ctx, request.NamespacedName, before)
	gone := err == nil && !before.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(before, surgeReaderFinalizer)
	if apierrors.IsNotFound(err) || gone {
		r.Metrics.DeletePolicy(request.Namespace, request.Name)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object := before.DeepCopy()
	object.Status.ObservedGeneration = object.Generation
	now := r.Clock.Now().Truncate(time.Second) // the resolution of times in status
	return &reconcileScope{
		now: now, deleting: !before.DeletionTimestamp.IsZero(), original: before, object: object, requeueAfter: defaultRequeueInterval,
		conditions: conditions.Setter{Conditions: &object.Status.Conditions, Generation: object.Generation, Now: now},
		operation:  convert.Operation(object.Status.Operation),
	}, nil
}

// decisionUpdate is what kubectl shows as the decision.
type decisionUpdate struct {
	reason, message string
	// change is what would change, or nil; hash names it and cause has the figures.
	change      *scaling.Change
	hash, cause string
	// blockedBy names the guards that hold it back, and emergency says that it should not wait.
	blockedBy    []string
	emergency    bool
	alternatives []v1alpha1.Alternative
}

// setDecision sets what kubectl shows as the decision. Its time, and the figures that led to it, move only when its meaning does.
func (v *reconcileScope) setDecision(s decisionUpdate) {
	d := &v1alpha1.DecisionStatus{
		Reason: s.reason, Message: convert.TruncateMessage(s.message), Hash: s.hash, Cause: convert.TruncateMessage(s.cause), Alternatives: s.alternatives,
	}
	if s.change != nil {
		desired := convert.ShapeStatus(s.change.To)
		d.Pool, d.Desired = v1alpha1.Pool(s.change.Pool), &desired
	}
	if len(s.blockedBy) > 0 {
		d.BlockedBy = s.blockedBy
		if s.emergency {
			d.Urgency = v1alpha1.UrgencyEmergency
		}
	}
	d.Time.Time = v.now
	if old := v.object.Status.Decision; old != nil && isSameDecision(*old, *d) {
		d.Time, d.Cause, d.Alternatives = old.Time, old.Cause, old.Alternatives
	}
	v.object.Status.Decision = d
}

// setDecisionReason sets a decision that has only a reason and a message.
func (v *reconcileScope) setDecisionReason(reason, message string) {
	v.setDecision(decisionUpdate{reason: reason, message: message})
}

func isSameDecision(a, b v1alpha1.DecisionStatus) bool {
	sameShape := a.Desired == nil && b.Desired == nil ||
		a.Desired != nil && b.Desired != nil && a.Desired.InstanceClass == b.Desired.InstanceClass &&
			*a.Desired.Replicas == *b.Desired.Replicas
	return sameShape && a.Reason == b.Reason && a.Pool == b.Pool && a.FirstBlocker() == b.FirstBlocker() && a.Hash == b.Hash
}

// specOrAnnotationsChanged lets only changes of the spec and of annotations wake a policy; time does the rest. Status is the
// reconciler's own.
func specOrAnnotationsChanged() builder.ForOption {
	return builder.WithPredicates(predicate.Or[client.Object](
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{},
	))
}
