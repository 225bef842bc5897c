package app

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// oneMinuteRetention and fiveMinuteRetention are how long CloudWatch keeps points of one and of five minutes (CloudWatch user
// guide, "Metrics retention").
const oneMinuteRetention, fiveMinuteRetention = 15 * 24 * time.Hour, 63 * 24 * time.Hour

// fetchedLoad is the recorded load of a policy's own target, and the current shape of the target.
type fetchedLoad struct {
	recording                  *recording.Recording
	startShape, otherPoolShape scaling.Shape
	engine                     string
	multiAZ                    bool
}

// fetchLoad reads the load of a pool of the policy's own target from CloudWatch, with the user's AWS credentials. It changes
// nothing. It converts percentages with the class that each instance has now.
func fetchLoad(
	ctx context.Context, clk clock.Clock, endpoint string, policy scaling.Policy, pool scaling.Pool, lookback time.Duration,
) (fetchedLoad, error) {
	client, err := awsx.New(ctx, awsx.Options{
		Endpoint: endpoint, Clock: clk, Log: logr.Discard(), Version: "kubectl",
	})
	if err != nil {
		return fetchedLoad{}, err
	}
	client.Track([]scaling.TrackedTarget{{Target: policy.Target, Window: time.Minute}}) // the samples are read below
	result := client.Observe(ctx, []scaling.Target{policy.Target}, time.Time{})[0]
	o := result.Observation
	switch {
	case result.Err != nil:
		return fetchedLoad{}, result.Err
	case !o.Found:
		return fetchedLoad{}, asInputError(fmt.Errorf("%s does not exist: check spec.targetRef", policy.Target))
	case o.Serverless || o.ResizedAsUnit:
		return fetchedLoad{}, asInputError(fmt.Errorf("%s is resized as a unit, which the simulation does not support", policy.Target))
	}
	now := clk.Now()
	query := recording.Query{Engine: o.Engine, From: now.Add(-lookback), To: now, Period: metricPeriod(lookback)}
	other := scaling.Writer
	if pool == scaling.Writer {
		other = scaling.Readers
	}
	for _, i := range o.PoolInstances(pool) {
		query.Instances = append(query.Instances, recording.Instance{ID: i.Identifier, Class: i.Class})
	}
	if len(query.Instances) == 0 {
		return fetchedLoad{}, asInputError(fmt.Errorf("%s has no instances in the pool %s to read the load of", policy.Target, pool))
	}
	r, err := recording.Fetch(ctx, client.CloudWatch(policy.Target.Scope), query)
	return fetchedLoad{
		recording: r, startShape: poolShape(o, pool), otherPoolShape: poolShape(o, other), engine: o.Engine, multiAZ: o.MultiAZ,
	}, err
}

// metricPeriod returns the shortest period that CloudWatch keeps for points of the given age.
func metricPeriod(age time.Duration) time.Duration {
	switch {
	case age > fiveMinuteRetention:
		return time.Hour
	case age > oneMinuteRetention:
		return 5 * time.Minute
	}
	return time.Minute
}

// poolShape returns the shape of a pool, with the class of its first instance.
func poolShape(o scaling.Observation, pool scaling.Pool) scaling.Shape {
	instances := o.PoolInstances(pool)
	if len(instances) == 0 {
		return scaling.Shape{}
	}
	return scaling.Shape{InstanceClass: instances[0].Class, Count: len(instances)}
}
