package baseline

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	lambdaScaleUpPercent = 80.0
	lambdaPeriods        = 3
	lambdaPeriod         = 5 * time.Minute
	lambdaCooldown       = 15 * time.Minute
)

// lambdaRule is the common recipe of an alarm on CPU that calls a Lambda function, which modifies the instances.
//
//   - Up one size, when each of three consecutive 5-minute averages is above 80 % and the last change was ordered at least 15 min ago.
//   - Never down.
//
// The averages are of the newest 15 minutes and not aligned to the clock, since an alarm's periods slide. As in CloudWatch, missing
// minutes are left out of an average, and a period without any minute is not above the threshold.
type lambdaRule struct {
	orderedAt time.Time
}

func newLambda() Autoscaler {
	return Autoscaler{
		Name: "Alarm and Lambda",
		ID:   "alarm-lambda",
		Source: "the common recipe of a CloudWatch alarm on CPUUtilization and a Lambda function that calls ModifyDBInstance; " +
			"above 80 % for three periods of 5 min, cooldown 15 min",
		Interval: lambdaPeriod,
		Lookback: lambdaPeriods*lambdaPeriod + maxPublishedAge,
		Method:   MethodClasses,
		NewRule:  func() Rule { return &lambdaRule{} },
	}
}

// DesiredSizeIndex implements Rule.
func (r *lambdaRule) DesiredSizeIndex(o Observation) int {
	if o.ChangeInProgress || o.SizeIndex == len(o.LadderVCPUs)-1 || o.Now.Sub(r.orderedAt) < lambdaCooldown ||
		!isAlarming(publishedSamples(o.CPUPercent, o.Now)) {
		return o.SizeIndex
	}
	r.orderedAt = o.Now
	return o.SizeIndex + 1
}

// isAlarming says that each of the last three periods has an average above the threshold.
func isAlarming(s scaling.Series) bool {
	const minutes = int(lambdaPeriod / time.Minute)
	for period := range lambdaPeriods {
		sum, count := 0.0, 0.0
		for n := range minutes {
			if value, known := s.At(s.Len() - 1 - period*minutes - n); known {
				sum += value
				count++
			}
		}
		if sum <= (lambdaScaleUpPercent+roundingTolerance)*count {
			return false
		}
	}
	return true
}
