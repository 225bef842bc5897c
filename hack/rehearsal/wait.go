package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// databaseState is what RDS shows of the database of a session.
type databaseState struct {
	// cluster is nil for a standalone instance, and when there is none.
	cluster   *types.DBCluster
	instances []types.DBInstance
}

// instance returns an instance by its identifier.
func (d databaseState) instance(identifier string) (types.DBInstance, bool) {
	n := slices.IndexFunc(d.instances, func(i types.DBInstance) bool { return aws.ToString(i.DBInstanceIdentifier) == identifier })
	if n < 0 {
		return types.DBInstance{}, false
	}
	return d.instances[n], true
}

// isIdle reports whether the cluster and all instances are available, without a pending class.
func (d databaseState) isIdle() bool {
	if d.cluster != nil && aws.ToString(d.cluster.Status) != scaling.StatusAvailable {
		return false
	}
	for _, i := range d.instances {
		isPending := i.PendingModifiedValues != nil && i.PendingModifiedValues.DBInstanceClass != nil
		if !scaling.IsAvailable(aws.ToString(i.DBInstanceStatus)) || isPending {
			return false
		}
	}
	return true
}

// writer returns the identifier of the writer of a cluster.
func (d databaseState) writer() string {
	if d.cluster != nil {
		for _, m := range d.cluster.DBClusterMembers {
			if aws.ToBool(m.IsClusterWriter) {
				return aws.ToString(m.DBInstanceIdentifier)
			}
		}
	}
	return ""
}

// brokenStatus returns an instance with a status that it does not leave by itself, and the status.
func (d databaseState) brokenStatus() (identifier, status string) {
	for _, i := range d.instances {
		if status := aws.ToString(i.DBInstanceStatus); scaling.IsBroken(status) {
			return aws.ToString(i.DBInstanceIdentifier), status
		}
	}
	return "", ""
}

// describe reads the database of the session.
func (s *session) describe(ctx context.Context) (databaseState, error) {
	var d databaseState
	filter := types.Filter{Name: aws.String("db-instance-id"), Values: []string{s.identifier, s.readerIdentifier()}}
	if s.databaseTarget.Kind == scaling.DBCluster {
		filter = types.Filter{Name: aws.String("db-cluster-id"), Values: []string{s.identifier}}
		clusters, err := s.target.rds.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{Filters: []types.Filter{filter}})
		if err != nil {
			return d, awsx.Classify(err)
		}
		if len(clusters.DBClusters) > 0 {
			d.cluster = &clusters.DBClusters[0]
		}
	}
	instances, err := s.target.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{Filters: []types.Filter{filter}})
	if err == nil {
		d.instances = instances.DBInstances
	}
	return d, awsx.Classify(err)
}

// waitUntil waits until the database satisfies a condition. description completes "waiting until".
func (s *session) waitUntil(ctx context.Context, description string, isDone func(databaseState) bool) error {
	for {
		state, err := s.describe(ctx)
		identifier, broken := state.brokenStatus()
		switch {
		case err != nil && !isTemporary(err) && !errors.Is(err, scaling.ErrNotFound): // a new database can be invisible for a moment
			return fmt.Errorf("waiting until %s: %w", description, err)
		case broken != "":
			return fmt.Errorf("waiting until %s: the instance %s is %s, which it does not leave by itself", description, identifier, broken)
		case err == nil && isDone(state):
			return nil
		}
		if err := waitToPoll(ctx, s.target.clock); err != nil {
			return fmt.Errorf("waiting until %s: %w", description, err)
		}
	}
}

// isTemporary reports whether a request can succeed when it is made again.
func isTemporary(err error) bool {
	return errors.Is(err, scaling.ErrUnavailable) || errors.Is(err, scaling.ErrThrottled)
}

// waitUntilIdle returns a wait until the named instances exist and everything is available.
func (s *session) waitUntilIdle(instances ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		return s.waitUntil(ctx, "the database is available", func(d databaseState) bool {
			for _, identifier := range instances {
				if _, exists := d.instance(identifier); !exists {
					return false
				}
			}
			return d.isIdle() && (d.cluster != nil || s.databaseTarget.Kind != scaling.DBCluster)
		})
	}
}

// waitForMetrics waits until CloudWatch has a sample of every instance, so that a recorded observation has some.
func (s *session) waitForMetrics(ctx context.Context) error {
	for {
		result := s.operator.Observe(ctx, []scaling.Target{s.databaseTarget}, s.target.clock.Now())[0]
		isMeasured := result.Err == nil && result.MetricsErr == nil && len(result.Observation.Instances) > 0
		for _, i := range result.Observation.Instances {
			isMeasured = isMeasured && !i.CPU.IsEmpty()
		}
		if isMeasured {
			return nil
		}
		if err := errors.Join(result.Err, result.MetricsErr); err != nil && !isTemporary(err) && ctx.Err() == nil {
			return fmt.Errorf("waiting for metrics: %w", err)
		}
		if err := waitToPoll(ctx, s.target.clock); err != nil {
			return fmt.Errorf("waiting for metrics: %w", err)
		}
	}
}

// timeLimitKey is the key of a time limit in a context.
type timeLimitKey struct{}

// timeLimit is when the rehearsal or its cleanup must end.
type timeLimit struct {
	endsAt   time.Time
	duration time.Duration
	// remedy says what to do about it.
	remedy string
}

// withTimeLimit returns a context with a time limit on a clock, which may be accelerated. Waits end when it is over.
func withTimeLimit(ctx context.Context, clk clock.Clock, duration time.Duration, remedy string) context.Context {
	return context.WithValue(ctx, timeLimitKey{}, timeLimit{clk.Now().Add(duration), duration, remedy})
}

// waitToPoll waits until the next poll is due. It returns an error when the context ends or its time limit is over.
func waitToPoll(ctx context.Context, clk clock.Clock) error {
	if limit, isSet := ctx.Value(timeLimitKey{}).(timeLimit); isSet && clk.Now().After(limit.endsAt) {
		return fmt.Errorf("the time limit of %s is over: %s", limit.duration, limit.remedy)
	}
	timer := clk.NewTimer(pollInterval)
	defer timer.Stop()
	select {
	case <-timer.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
