package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-logr/logr"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/draft"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// databaseReader reads a database and its load for the first policy. It changes nothing.
type databaseReader struct {
	client       *awsx.Client
	target       scaling.Target
	now          time.Time
	lookback     time.Duration
	operatorRole string
	withPrices   bool
	// details are what the observation lacks, after read.
	details awsx.TargetDetails
	// recordings are the loads that were read, by pool.
	recordings map[scaling.Pool]*recording.Recording
}

func (i *initCommand) newDatabaseReader(ctx context.Context, target scaling.Target) (*databaseReader, error) {
	client, err := awsx.New(ctx, awsx.Options{
		Endpoint: i.endpointURL, Clock: i.clock, Log: logr.Discard(), Version: "kubectl", PricingRegion: i.pricingRegion,
	})
	if err != nil {
		return nil, asInputError(err)
	}
	return &databaseReader{
		client: client, target: target, now: i.clock.Now(), lookback: time.Duration(i.days) * 24 * time.Hour, operatorRole: i.operatorRole,
		withPrices: i.pricingRegion != "", recordings: map[scaling.Pool]*recording.Recording{},
	}, nil
}

// read observes the database and reads its load. The error is an InputError when the operator refuses the database.
func (r *databaseReader) read(ctx context.Context) (draft.Input, error) {
	inspector := awsx.NewInspector(r.client, r.target.Scope)
	if _, err := inspector.Identity(ctx); err != nil {
		if errors.Is(err, awsx.ErrNoCredentials) {
			return draft.Input{}, errors.New(describeCredentialsError(err))
		}
		return draft.Input{}, errors.New(oneLine(err))
	}
	r.client.Track([]scaling.TrackedTarget{{Target: r.target, Window: 2 * scaling.MaxSampleAge}})
	result := r.client.Observe(ctx, []scaling.Target{r.target}, time.Time{})[0]
	if result.Err != nil {
		return draft.Input{}, errors.New(oneLine(result.Err))
	}
	o := result.Observation.WithoutFailedReaders()
	if err := draft.Check(r.target, o); err != nil {
		if !o.Found {
			err = fmt.Errorf("%w: check the identifier and --region; a database in another account needs --role-arn", err)
		}
		return draft.Input{}, asInputError(err)
	}
	in := draft.Input{Target: r.target, Observation: o}
	r.details, _ = inspector.TargetDetails(r.target)
	in.MaintenanceWindow = r.details.MaintenanceWindow
	var err error
	if o.ResizedAsUnit {
		in.Writer, err = r.readBusiest(ctx, o)
		return in, err
	}
	if in.Writer, err = r.readPool(ctx, o, scaling.Writer); err != nil {
		return in, err
	}
	if len(o.PoolInstances(scaling.Readers)) > 0 {
		in.Readers, err = r.readPool(ctx, o, scaling.Readers)
	}
	return in, err
}

// fetch reads the sum of the demands of instances. The recording is nil, and reason says why, when nothing can be known: missing data, or
// no right to read it.
func (r *databaseReader) fetch(ctx context.Context, o scaling.Observation, instances []scaling.Instance) (
	fetched *recording.Recording, reason string, err error,
) {
	query := recording.Query{Engine: o.Engine, From: r.now.Add(-r.lookback), To: r.now, Period: metricPeriod(r.lookback)}
	for _, i := range instances {
		query.Instances = append(query.Instances, recording.Instance{ID: i.Identifier, Class: i.Class})
	}
	fetched, err = recording.Fetch(ctx, r.client.CloudWatch(r.target.Scope), query)
	classified := awsx.Classify(err)
	switch {
	case err == nil:
		return fetched, "", nil
	case errors.Is(err, recording.ErrNoData):
		return nil, recording.ErrNoData.Error() + " in this time", nil
	case errors.Is(classified, scaling.ErrDenied):
		return nil, "you may not read it: the action cloudwatch:GetMetricData on * is denied to you", nil
	}
	return nil, "", errors.New(oneLine(classified))
}

// readPool reads the load of a pool.
func (r *databaseReader) readPool(ctx context.Context, o scaling.Observation, pool scaling.Pool) (draft.Load, error) {
	fetched, reason, err := r.fetch(ctx, o, o.PoolInstances(pool))
	if fetched == nil || err != nil {
		return draft.Load{Unknown: reason, From: r.now.Add(-r.lookback), To: r.now}, err
	}
	r.recordings[pool] = fetched
	return r.summarize(fetched), nil
}

func (r *databaseReader) summarize(fetched *recording.Recording) draft.Load {
	return draft.Summarize(r.now.Add(-r.lookback), r.now, fetched.Start, fetched.Interval, fetched.Demand, fetched.Censored)
}

// readBusiest reads the load of each instance of a database that is resized as a unit, and returns at each time that of the busiest one.
func (r *databaseReader) readBusiest(ctx context.Context, o scaling.Observation) (draft.Load, error) {
	var busiest *recording.Recording
	for _, i := range o.Instances {
		fetched, reason, err := r.fetch(ctx, o, []scaling.Instance{i})
		if fetched == nil || err != nil {
			return draft.Load{Unknown: reason, From: r.now.Add(-r.lookback), To: r.now}, err
		}
		busiest = higherDemand(busiest, fetched)
	}
	return r.summarize(busiest), nil
}

// higherDemand returns the higher demand of two recordings at each time in which both are known, and a gap at the others. The first may be
// nil.
func higherDemand(a, b *recording.Recording) *recording.Recording {
	if a == nil {
		return b
	}
	start, end := a.Start, a.End()
	if b.Start.After(start) {
		start = b.Start
	}
	if b.End().Before(end) {
		end = b.End()
	}
	out := &recording.Recording{Start: start, Interval: a.Interval}
	for at := start; at.Before(end); at = at.Add(a.Interval) {
		demandA, censoredA := demandAt(a, at)
		demandB, censoredB := demandAt(b, at)
		out.Demand = append(out.Demand, math.Max(demandA, demandB)) // NaN if either is
		out.Censored = append(out.Censored, censoredA || censoredB)
	}
	return out
}

// demandAt returns the demand of a recording at a time within it.
func demandAt(r *recording.Recording, at time.Time) (demand float64, censored bool) {
	n := int(at.Sub(r.Start) / r.Interval)
	return r.Demand[n], n < len(r.Censored) && r.Censored[n]
}
