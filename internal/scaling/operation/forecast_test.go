package operation

import (
	"slices"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestShortDuration_NotAboveLong: each step has a short and a long duration, and those of an operation add up to what ExpectedEnd counts.
func TestShortDuration_NotAboveLong(t *testing.T) {
	var steps []scaling.Step
	for action := range usualDurations {
		steps = append(steps, scaling.Step{Action: action, Instance: string(action)})
		if shortDurations[action] == 0 {
			t.Errorf("%s has no short duration", action)
		}
	}
	steps = append(steps, scaling.Step{Action: scaling.Failover, Instance: "other"}, scaling.Step{Action: scaling.CreateReader, Instance: "a"}, scaling.Step{Action: scaling.CreateReader, Instance: "b"},
		scaling.Step{Action: scaling.Failover, Instance: "a"})
	end := start
	for n := range steps {
		short, long := ShortDuration(steps, n), LongDuration(steps, n)
		isSecondCreate := steps[n].Instance == "b"
		if short > long || (short == 0) != isSecondCreate || (long == 0) != isSecondCreate {
			t.Errorf("%+v: got %s to %s", steps[n], short, long)
		}
		end = end.Add(long)
	}
	if want := ExpectedEnd(scaling.Operation{StartedAt: start, Steps: steps}); !end.Equal(want) {
		t.Errorf("got the end %s, want %s", end, want)
	}
	if last := len(steps) - 1; ShortDuration(steps, last) != shortDurations[scaling.Failover]+promotionWarmUp {
		t.Errorf("a new reader is promoted after %s, without its warm-up", ShortDuration(steps, last))
	}
}

// TestInstancesAfter_MatchesTheShape: after the steps of a plan the instances have the planned shape, whatever the way.
func TestInstancesAfter_MatchesTheShape(t *testing.T) {
	writer := scaling.Instance{Identifier: "w", Class: large, Status: "available", Writer: true, PromotionTier: 1}
	reader := scaling.Instance{Identifier: "r", Class: large, Status: "available", PromotionTier: 1}
	own := scaling.Instance{
		Identifier: "own", Class: large, Status: "available", Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	}
	for _, test := range []struct {
		pool scaling.Pool
		to   scaling.Shape
	}{
		{scaling.Readers, scaling.Shape{InstanceClass: xlarge, Count: 3}}, {scaling.Readers, scaling.Shape{InstanceClass: large, Count: 1}},
		{scaling.Readers, scaling.Shape{InstanceClass: xlarge, Count: 2}}, {scaling.Writer, scaling.Shape{InstanceClass: xlarge, Count: 1}},
	} {
		o := auroraCluster(writer, reader, own)
		o.Kind = scaling.DBCluster
		before := slices.Clone(o.Instances)
		proposal := scaling.Proposal{Change: scaling.Change{Pool: test.pool, From: o.Shape(test.pool), To: test.to}}
		op, err := Plan(policyWithRoom(4), o, proposal, operationID, start)
		if err != nil {
			t.Fatal(err)
		}
		after := o
		for _, s := range op.Steps {
			after.Instances = InstancesAfter(after.Instances, s)
		}
		if got := after.Shape(test.pool); got != test.to || len(after.PoolInstances(scaling.Writer)) != 1 {
			t.Errorf("%s: got %s and %d writers after %+v", test.to, got, len(after.PoolInstances(scaling.Writer)), op.Steps)
		}
		if !slices.EqualFunc(o.Instances, before, func(a, b scaling.Instance) bool { return a.Class == b.Class && a.Writer == b.Writer }) {
			t.Errorf("%s: the instances before were changed", test.to)
		}
	}
}
