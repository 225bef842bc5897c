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

// minutesKept is how long CloudWatch keeps one-minute points, and fivesKept those of five minutes (CloudWatch user guide, "Metrics
// retention").
const minutesKept, fivesKept = 15 * 24 * time.Hour, 63 * 24 * time.Hour

// fetched is a recording of a policy's own target, and what the target consists of.
type fetched struct {
	recording    *recording.Recording
	start, other scaling.Shape
	engine       string
	multiAZ      bool
}

// fetch reads the load of a pool of the policy's own target from CloudWatch, with the caller's own AWS credentials. It changes nothing.
// Percentages count for the class that each instance has now.
func fetch(
	ctx context.Context, clk clock.Clock, endpoint string, policy scaling.Policy, pool scaling.Pool, back time.Duration,
) (fetched, error) {
	edge, err := awsx.New(ctx, awsx.Options{
		Endpoint: endpoint, Clock: clk, Log: logr.Discard(), Version: "kubectl", Window: func() time.Duration { return 0 },
	})
	if err != nil {
		return fetched{}, err
	}
	observed := edge.Observe(ctx, []scaling.Target{policy.Target}, time.Time{})[0]
	o := observed.Observation
	switch {
	case observed.Err != nil:
		return fetched{}, observed.Err
	case !o.Found:
		return fetched{}, input(fmt.Errorf("there is no %s", policy.Target))
	case o.Serverless || o.Whole:
		return fetched{}, input(fmt.Errorf("%s is resized as a whole, which cannot be played yet", policy.Target))
	}
	now := clk.Now()
	q := recording.Query{Engine: o.Engine, From: now.Add(-back), To: now, Period: period(back)}
	other := scaling.Writer
	if pool == scaling.Writer {
		other = scaling.Readers
	}
	for _, i := range o.Pool(pool) {
		q.Instances = append(q.Instances, recording.Instance{ID: i.Identifier, Class: i.Class})
	}
	if len(q.Instances) == 0 {
		return fetched{}, input(fmt.Errorf("%s has no %s to read the load of", policy.Target, pool))
	}
	r, err := recording.Fetch(ctx, edge.Metrics(policy.Target.Scope), q)
	return fetched{recording: r, start: first(o, pool), other: first(o, other), engine: o.Engine, multiAZ: o.MultiAZ}, err
}

// period is the finest that CloudWatch still has of what is so far back.
func period(back time.Duration) time.Duration {
	switch {
	case back > fivesKept:
		return time.Hour
	case back > minutesKept:
		return 5 * time.Minute
	}
	return time.Minute
}

// first is what a pool consists of, with the class of its first instance.
func first(o scaling.Observation, pool scaling.Pool) scaling.Shape {
	all := o.Pool(pool)
	if len(all) == 0 {
		return scaling.Shape{}
	}
	return scaling.Shape{InstanceClass: all[0].Class, Count: len(all)}
}
