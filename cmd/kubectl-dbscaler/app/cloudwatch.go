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

// oneMinuteRetention is how long CloudWatch keeps one-minute points, and fiveMinuteRetention those of five minutes (CloudWatch user guide, "Metrics
// retention").
const oneMinuteRetention, fiveMinuteRetention = 15 * 24 * time.Hour, 63 * 24 * time.Hour

// fetchedLoad is a recording of a policy's own target, and what the target consists of.
type fetchedLoad struct {
	recording                  *recording.Recording
	startShape, otherPoolShape scaling.Shape
	engine                     string
	multiAZ                    bool
}

// fetchLoad reads the load of a pool of the policy's own target from CloudWatch, with the caller's own AWS credentials. It changes nothing.
// Percentages count for the class that each instance has now.
func fetchLoad(
	ctx context.Context, clk clock.Clock, endpoint string, policy scaling.Policy, pool scaling.Pool, back time.Duration,
) (fetchedLoad, error) {
	edge, err := awsx.New(ctx, awsx.Options{
		Endpoint: endpoint, Clock: clk, Log: logr.Discard(), Version: "kubectl", Window: func() time.Duration { return 0 },
	})
	if err != nil {
		return fetchedLoad{}, err
	}
	observed := edge.Observe(ctx, []scaling.Target{policy.Target}, time.Time{})[0]
	o := observed.Observation
	switch {
	case observed.Err != nil:
		return fetchedLoad{}, observed.Err
	case !o.Found:
		return fetchedLoad{}, asInputError(fmt.Errorf("there is no %s", policy.Target))
	case o.Serverless || o.ResizedAsUnit:
		return fetchedLoad{}, asInputError(fmt.Errorf("%s is resized as a whole, which cannot be played yet", policy.Target))
	}
	now := clk.Now()
	q := recording.Query{Engine: o.Engine, From: now.Add(-back), To: now, Period: metricPeriod(back)}
	other := scaling.Writer
	if pool == scaling.Writer {
		other = scaling.Readers
	}
	for _, i := range o.PoolInstances(pool) {
		q.Instances = append(q.Instances, recording.Instance{ID: i.Identifier, Class: i.Class})
	}
	if len(q.Instances) == 0 {
		return fetchedLoad{}, asInputError(fmt.Errorf("%s has no %s to read the load of", policy.Target, pool))
	}
	r, err := recording.Fetch(ctx, edge.CloudWatch(policy.Target.Scope), q)
	return fetchedLoad{recording: r, startShape: poolShape(o, pool), otherPoolShape: poolShape(o, other), engine: o.Engine, multiAZ: o.MultiAZ}, err
}

// metricPeriod is the finest that CloudWatch still has of what is so far back.
func metricPeriod(back time.Duration) time.Duration {
	switch {
	case back > fiveMinuteRetention:
		return time.Hour
	case back > oneMinuteRetention:
		return 5 * time.Minute
	}
	return time.Minute
}

// poolShape is what a pool consists of, with the class of its first instance.
func poolShape(o scaling.Observation, pool scaling.Pool) scaling.Shape {
	all := o.PoolInstances(pool)
	if len(all) == 0 {
		return scaling.Shape{}
	}
	return scaling.Shape{InstanceClass: all[0].Class, Count: len(all)}
}
