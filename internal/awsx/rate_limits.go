package awsx

import (
	"context"

	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
)

// The maximum rate, in requests per second, and burst of each operation in one scope. AWS publishes no figure for the RDS
// API, and all users of the account and region share one limit, Terraform and consoles included: these values stay far
// below what is known to be throttled. Each operation has its own limit, so that one cannot starve another.
const (
	// describesPerSecond and describesBurst limit each Describe operation: the burst reads 2,000 databases in pages of 100.
	describesPerSecond, describesBurst = 5, 20
	// metricsPerSecond and metricsBurst limit GetMetricData, of which AWS accepts 50 per second in an account and region
	// (CloudWatch user guide, "CloudWatch service quotas").
	metricsPerSecond, metricsBurst = 20, 20
	// changesPerSecond and changesBurst limit each operation that changes something: a hundred databases may need a reader at once.
	changesPerSecond, changesBurst = 5, 20
)

// rateLimits delays requests on the client side. Each attempt counts, retries included.
type rateLimits struct {
	clock    clock.Clock
	limiters map[string]*rate.Limiter
}

func newRateLimits(c clock.Clock) *rateLimits {
	l := &rateLimits{clock: c, limiters: map[string]*rate.Limiter{
		"GetMetricData": rate.NewLimiter(metricsPerSecond, metricsBurst),
	}}
	for _, operation := range []string{
		"DescribeDBClusters", "DescribeDBInstances", "DescribeOrderableDBInstanceOptions", "DescribePendingMaintenanceActions",
		"DescribeScalableTargets", "GetProducts", "DescribeDBClusterEndpoints", "DescribeBlueGreenDeployments", "DescribeDBParameters",
		"DescribeDBClusterParameters", "DescribeEvents",
	} {
		l.limiters[operation] = rate.NewLimiter(describesPerSecond, describesBurst)
	}
	for _, operation := range []string{
		"ModifyDBInstance", "ModifyDBCluster", "CreateDBInstance", "CreateDBInstanceReadReplica", "DeleteDBInstance", "FailoverDBCluster",
	} {
		l.limiters[operation] = rate.NewLimiter(changesPerSecond, changesBurst)
	}
	return l
}

// addTo adds the limits to the middleware of a client, below the retries.
func (l *rateLimits) addTo(stack *middleware.Stack) error {
	return stack.Finalize.Insert(l, "Retry", middleware.After)
}

// ID implements middleware.FinalizeMiddleware.
func (*rateLimits) ID() string { return "dbscaler:RateLimits" }

// HandleFinalize implements middleware.FinalizeMiddleware.
func (l *rateLimits) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	if err := l.wait(ctx, middleware.GetOperationName(ctx)); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	return next.HandleFinalize(ctx, in)
}

// wait returns when the rate limit of the operation allows a request, or with an error when the context ends. An operation
// without a limit does not wait.
func (l *rateLimits) wait(ctx context.Context, operation string) error {
	limiter, ok := l.limiters[operation]
	if !ok {
		return nil
	}
	now := l.clock.Now()
	reservation := limiter.ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay == 0 {
		return nil
	}
	timer := l.clock.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-ctx.Done():
		reservation.CancelAt(l.clock.Now())
		return ctx.Err()
	}
}
