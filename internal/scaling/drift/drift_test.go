package drift

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	large  = "db.r6g.large"
	xlarge = "db.r6g.xlarge"
)

var now = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

func hoursAgo(n float64) time.Time { return now.Add(-time.Duration(n * float64(time.Hour))) }

// succeeded returns an operation that succeeded some hours ago.
func succeeded(id string, hours float64, set ...ExpectedInstance) CompletedOperation {
	return CompletedOperation{ID: id, Pool: scaling.Readers, Succeeded: true, CompletedAt: hoursAgo(hours), Expected: set}
}

func failed(id string, hours float64, set ...ExpectedInstance) CompletedOperation {
	d := succeeded(id, hours, set...)
	d.Succeeded = false
	return d
}

func resized(instance, class string) ExpectedInstance {
	return ExpectedInstance{Instance: instance, Action: scaling.ModifyInstanceClass, InstanceClass: class}
}
func added(instance, class string) ExpectedInstance {
	return ExpectedInstance{Instance: instance, Action: scaling.CreateReader, InstanceClass: class}
}
func removed(instance string) ExpectedInstance {
	return ExpectedInstance{Instance: instance, Action: scaling.DeleteReader, InstanceClass: ""}
}

// observe returns an observation of instances, given as pairs of a name and a class.
func observe(pairs ...string) scaling.Observation {
	var o scaling.Observation
	for n := 0; n < len(pairs); n += 2 {
		o.Instances = append(o.Instances, scaling.Instance{Identifier: pairs[n], Class: pairs[n+1], Status: scaling.StatusAvailable})
	}
	return o
}

func (r Revert) String() string {
	return fmt.Sprintf("%s/%s %s→%s", r.Operation, r.Instance, r.ExpectedClass, r.ObservedClass)
}

func TestDetect_FindsChangesByOthers(t *testing.T) {
	for _, test := range []struct {
		name        string
		operations  []CompletedOperation
		observation scaling.Observation
		want        []string
	}{
		{"instances as expected", []CompletedOperation{succeeded("1", 1, resized("a", xlarge), added("b", xlarge), removed("c"))}, observe("a", xlarge, "b", xlarge), nil},
		{"class reverted", []CompletedOperation{succeeded("1", 1, resized("a", xlarge))}, observe("a", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"class changed to a larger one", []CompletedOperation{succeeded("1", 1, resized("a", large))}, observe("a", xlarge), []string{"1/a db.r6g.large→db.r6g.xlarge"}},
		{"created reader deleted", []CompletedOperation{succeeded("1", 1, added("b", large))}, observe("a", large), []string{"1/b db.r6g.large→"}},
		{"created reader being deleted", []CompletedOperation{succeeded("1", 1, added("a", large))}, func() scaling.Observation {
			o := observe("a", large)
			o.Instances[0].Status = "deleting"
			return o
		}(), []string{"1/a db.r6g.large→"}},
		{"resized reader of somebody else deleted", []CompletedOperation{succeeded("1", 1, resized("b", large))}, observe("a", large), nil},
		{"deleted reader created again", []CompletedOperation{succeeded("1", 1, removed("b"))}, observe("b", large), []string{"1/b →db.r6g.large"}},
		{"class changed after the revert window", []CompletedOperation{succeeded("1", 24.1, resized("a", xlarge))}, observe("a", large), nil},
		{"class changed at the end of the revert window", []CompletedOperation{succeeded("1", 24, resized("a", xlarge))}, observe("a", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"last of two operations counts", []CompletedOperation{succeeded("1", 3, resized("a", xlarge)), succeeded("2", 1, resized("a", large))},
			observe("a", large), nil},
		{"earlier operation counts for an instance that the last did not change", []CompletedOperation{succeeded("2", 1, resized("b", large)), succeeded("1", 3, resized("a", xlarge))},
			observe("a", large, "b", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"last operation failed", []CompletedOperation{failed("2", 1, resized("a", large)), succeeded("1", 3, resized("a", xlarge))}, observe("a", large), nil},
		{"earlier operation failed", []CompletedOperation{failed("1", 3, resized("a", large)), succeeded("2", 1, resized("a", xlarge))},
			observe("a", large), []string{"2/a db.r6g.xlarge→db.r6g.large"}},
		{"surge reader created and deleted", []CompletedOperation{succeeded("1", 1, removed("s"))}, observe("a", large), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, found := Detect(Input{Operations: test.operations, Observation: test.observation, Now: now})
			var got []string
			for _, r := range found {
				got = append(got, r.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got reverts %v, want %v", got, test.want)
			}
			if _, found := Detect(Input{Operations: test.operations, Observation: test.observation, Now: now, OperationInProgress: true}); len(found) > 0 {
				t.Errorf("got reverts %v while an operation is in progress", found)
			}
		})
	}
}

// A known revert is not reported again.
func TestDetect_ReportsRevertOnce(t *testing.T) {
	in := Input{Operations: []CompletedOperation{succeeded("1", 1, resized("a", xlarge), resized("b", xlarge))}, Observation: observe("a", large, "b", xlarge), Now: now}
	state, found := Detect(in)
	if len(found) != 1 || state.Conflict != nil {
		t.Fatalf("got reverts %v, state %+v", found, state)
	}
	in.State, in.Now = state, now.Add(time.Minute)
	if state, found = Detect(in); len(found) != 0 || len(state.Reverts) != 1 {
		t.Errorf("got reverts %v again, state %+v", found, state)
	}
	in.State, in.Observation = state, observe("a", large, "b", large) // the second instance of the same operation
	if state, found = Detect(in); len(found) != 1 || state.Conflict != nil {
		t.Errorf("got reverts %v, state %+v", found, state)
	}
}

// The second reverted operation within a week starts a conflict, which lasts until a user resolves it.
func TestDetect_SecondRevertIsConflict(t *testing.T) {
	before := func(days float64) State {
		return State{Reverts: []Revert{{DetectedAt: hoursAgo(24 * days), Operation: "0", Instance: "a", ExpectedClass: xlarge, ObservedClass: large}}}
	}
	in := Input{Operations: []CompletedOperation{succeeded("1", 1, resized("a", xlarge))}, Observation: observe("a", large), Now: now, Generation: 3, ResolveAnnotation: "old"}
	in.State = before(7.1)
	if state, _ := Detect(in); state.Conflict != nil || len(state.Reverts) != 1 {
		t.Errorf("first revert older than a week: %+v", state)
	}
	in.State = before(6.9)
	state, found := Detect(in)
	if state.Conflict == nil || len(found) != 1 || len(state.Reverts) != 2 || *state.Conflict != (Conflict{DetectedAt: now, Generation: 3, ResolveAnnotation: "old"}) {
		t.Fatalf("first revert within a week: %+v", state)
	}
	if len(in.State.Reverts) != 1 {
		t.Error("the state passed in was modified")
	}

	in.State = state
	for name, test := range map[string]struct {
		edit     func(*Input)
		resolved bool
	}{
		"time passes":            {func(in *Input) { in.Now = now.Add(90 * 24 * time.Hour) }, false},
		"database changed again": {func(in *Input) { in.Observation = observe("a", xlarge) }, false},
		"annotation unchanged":   {func(in *Input) { in.ResolveAnnotation = "old" }, false},
		"annotation removed":     {func(in *Input) { in.ResolveAnnotation = "" }, false},
		"annotation changed":     {func(in *Input) { in.ResolveAnnotation = "new" }, true},
		"spec changed":           {func(in *Input) { in.Generation = 4 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := in
			test.edit(&in)
			state, found := Detect(in)
			if (state.Conflict == nil) != test.resolved || len(found) > 0 {
				t.Errorf("got reverts %v, state %+v", found, state)
			}
			if test.resolved && (len(state.Reverts) > 0 || !state.ResolvedAt.Equal(in.Now)) {
				t.Errorf("got %+v after the conflict was resolved", state)
			}
			if !test.resolved && len(state.Reverts) != 2 {
				t.Errorf("the reverts of the conflict are not kept: %+v", state)
			}
		})
	}
	t.Run("operations before the resolution are ignored", func(t *testing.T) {
		in := in
		in.State = State{ResolvedAt: now.Add(-time.Minute)}
		if state, found := Detect(in); len(found) > 0 || state.Conflict != nil {
			t.Errorf("got reverts %v", found)
		}
	})
}

func TestDetect_LimitsReverts(t *testing.T) {
	var set []ExpectedInstance
	var pairs []string
	for n := range maxReverts + 8 {
		name := fmt.Sprintf("r%d", n)
		set, pairs = append(set, resized(name, xlarge)), append(pairs, name, large)
	}
	if state, _ := Detect(Input{Operations: []CompletedOperation{succeeded("1", 1, set...)}, Observation: observe(pairs...), Now: now}); len(state.Reverts) != maxReverts {
		t.Errorf("got %d reverts", len(state.Reverts))
	}
}

// After the switchover of a blue/green deployment other instances have the names of the changed ones: that is no revert.
func TestDetect_ReplacedInstances(t *testing.T) {
	withResource := func(e ExpectedInstance, id string) ExpectedInstance {
		e.ResourceID = id
		return e
	}
	changed := succeeded("1", 1, withResource(resized("a", xlarge), "db-blue"))
	observed := func(resourceID string) scaling.Observation {
		return scaling.Observation{Instances: []scaling.Instance{{Identifier: "w", Class: large, Writer: true}, {Identifier: "a", Class: large, ResourceID: resourceID}}}
	}
	created := succeeded("1", 1, added("b", large))
	for _, test := range []struct {
		name       string
		operation  CompletedOperation
		resourceID string
		replacedAt time.Time
		reverts    int
	}{
		{"the same instance", changed, "db-blue", time.Time{}, 1},
		{"another instance", changed, "db-green", time.Time{}, 0},
		{"resource not known", changed, "", time.Time{}, 1},
		{"created reader missing", created, "db-blue", time.Time{}, 1},
		{"created reader missing in the database that replaced this one", created, "db-green", now, 0},
		{"created in the database that replaced the earlier one", created, "db-green", now.Add(-2 * time.Hour), 1},
	} {
		_, reverts := Detect(Input{
			Operations: []CompletedOperation{test.operation}, Observation: observed(test.resourceID), ReplacedAt: test.replacedAt, Now: now,
		})
		if len(reverts) != test.reverts {
			t.Errorf("%s: got %+v, want %d reverts", test.name, reverts, test.reverts)
		}
	}
}
