package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// A reader counts as unserved from the request for it until somebody has seen it in service.
func TestMarkUnservedReaders(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	create := func(name string, completedAt time.Time) scaling.Step {
		return scaling.Step{Action: scaling.CreateReader, Instance: name, LastAttemptAt: now, CompletedAt: completedAt}
	}
	op := scaling.Operation{Steps: []scaling.Step{
		create("done", now), create("requested", time.Time{}), {Action: scaling.CreateReader, Instance: "planned"},
		{Action: scaling.ModifyInstanceClass, Instance: "resized", LastAttemptAt: now},
	}}
	o := scaling.Observation{}
	for _, name := range []string{"done", "requested", "planned", "resized", "other"} {
		o.Instances = append(o.Instances, scaling.Instance{Identifier: name, Status: "creating"})
	}
	history := scaling.History{{Succeeded: true}, NewOperationRecord(op, false, now)}
	for _, test := range []struct {
		name    string
		op      *scaling.Operation
		history scaling.History
		status  string // of the requested reader
		want    []string
	}{
		{"nothing is known", nil, nil, "failed", nil},
		{"operation in progress", &op, nil, "incompatible-network", []string{"requested"}},
		{"failed operation", nil, history, "incompatible-network", []string{"requested"}},
		{"served later", nil, history, "available", nil},
		{"serves while AWS works on the storage", nil, history, "storage-initialization", nil},
	} {
		o.Instances[1].Status = test.status
		kept := ForgetServingReaders(test.history, &o)
		var got []string
		for _, i := range MarkUnservedReaders(o.Instances, test.op, kept) {
			if i.NeverServed {
				got = append(got, i.Identifier)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		broken := slices.Clone(o.Instances)
		broken[1].Status = "failed"
		if again := MarkUnservedReaders(broken, nil, kept)[1].NeverServed; again != (test.history != nil && len(test.want) > 0) {
			t.Errorf("%s: when it breaks, never served is %t", test.name, again)
		}
	}
	if slices.ContainsFunc(o.Instances, func(i scaling.Instance) bool { return i.NeverServed }) || len(history[1].UnservedReaders) != 1 {
		t.Error("the arguments were changed")
	}
}
