package v1alpha1

// The annotations that record who requested a manual control, and why. They
// have no effect of their own. A name is valid for one value of the control
// only, which it repeats, for example "alice until 2026-02-05T18:00:00Z": when
// another client sets another value, the name no longer applies. The admission
// policy dbscaler-manual-control lets a user record no other name than his own.
const (
	// AnnotationPausedBy is who paused or resumed the policy.
	AnnotationPausedBy = "scaling.dbscaler.io/paused-by"
	// AnnotationPausedReason is why.
	AnnotationPausedReason = "scaling.dbscaler.io/paused-reason"
	// AnnotationOverrideBy is who set or ended the override.
	AnnotationOverrideBy = "scaling.dbscaler.io/override-by"
	// AnnotationOverrideReason is why.
	AnnotationOverrideReason = "scaling.dbscaler.io/override-reason"
	// AnnotationApproveBy is who approved the decision.
	AnnotationApproveBy = "scaling.dbscaler.io/approve-by"
	// AnnotationApproveReason is why.
	AnnotationApproveReason = "scaling.dbscaler.io/approve-reason"
	// AnnotationResolveConflictBy is who resolved the OwnershipConflict.
	AnnotationResolveConflictBy = "scaling.dbscaler.io/resolve-conflict-by"
	// AnnotationResolveConflictReason is why.
	AnnotationResolveConflictReason = "scaling.dbscaler.io/resolve-conflict-reason"
)

// PausedIndefinitely is the value of AnnotationPausedUntil for a pause without
// an end.
const PausedIndefinitely = "9999-12-31T23:59:59Z"
