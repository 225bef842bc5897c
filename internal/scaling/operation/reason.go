package operation

import "github.com/dbscaler/dbscaler/internal/scaling"

// The reasons that a decision has while an operation is in progress.
const (
	// ReasonScalingUp: the operation adds capacity.
	ReasonScalingUp scaling.Reason = "ScalingUp"
	// ReasonScalingDown: the operation removes capacity.
	ReasonScalingDown scaling.Reason = "ScalingDown"
	// ReasonCleaningUp: the operation removes leftover surge readers of an ended operation.
	ReasonCleaningUp scaling.Reason = "CleaningUp"
)

// ReasonInProgress is the reason of a decision while an operation of that direction is in progress.
func ReasonInProgress(d scaling.Direction) scaling.Reason {
	switch d {
	case scaling.Up:
		return ReasonScalingUp
	case scaling.Down:
		return ReasonScalingDown
	case scaling.Cleanup:
	}
	return ReasonCleaningUp
}
