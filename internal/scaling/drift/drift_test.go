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

// succeeded is an operation that ended well some hours ago.
func succeeded(id string, hours float64, set ...ExpectedInstance) CompletedOperation {
	return CompletedOperation{ID: id, Pool: scaling.Readers, Succeeded: true, CompletedAt: hoursAgo(hours), Expected: set}
}

func failed(id string, hours float64, set ...ExpectedInstance) CompletedOperation {
	d := succeeded(id, hours, set...)
	d.Succeeded = false
	return d
}

func resized(instance, class string) ExpectedInstance {
	return ExpectedInstance{instance, scaling.ModifyInstanceClass, class}
}
func added(instance, class string) ExpectedInstance {
	return ExpectedInstance{instance, scaling.CreateReader, class}
}
func removed(instance string) ExpectedInstance {
	return ExpectedInstance{instance, scaling.DeleteReader, ""}
}

// observe is an observation of instances, given as a name and a class each.
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

func TestDetect_Reverts(t *testing.T) {
	for _, test := range []struct {
		name string
		done []CompletedOperation
		o    scaling.Observation
		want []string
	}{
		{"it is as it was set", []CompletedOperation{succeeded("1", 1, resized("a", xlarge), added("b", xlarge), removed("c"))}, observe("a", xlarge, "b", xlarge), nil},
		{"a class was changed back", []CompletedOperation{succeeded("1", 1, resized("a", xlarge))}, observe("a", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"somebody scaled further up", []CompletedOperation{succeeded("1", 1, resized("a", large))}, observe("a", xlarge), []string{"1/a db.r6g.large→db.r6g.xlarge"}},
		{"our reader is gone", []CompletedOperation{succeeded("1", 1, added("b", large))}, observe("a", large), []string{"1/b db.r6g.large→"}},
		{"our reader is being removed", []CompletedOperation{succeeded("1", 1, added("a", large))}, func() scaling.Observation {
			o := observe("a", large)
			o.Instances[0].Status = "deleting"
			return o
		}(), []string{"1/a db.r6g.large→"}},
		{"a reader is gone that was there before us", []CompletedOperation{succeeded("1", 1, resized("b", large))}, observe("a", large), nil},
		{"a reader that we removed is back", []CompletedOperation{succeeded("1", 1, removed("b"))}, observe("b", large), []string{"1/b →db.r6g.large"}},
		{"after a day it is somebody's decision", []CompletedOperation{succeeded("1", 24.1, resized("a", xlarge))}, observe("a", large), nil},
		{"just within a day", []CompletedOperation{succeeded("1", 24, resized("a", xlarge))}, observe("a", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"of two operations the last counts, whatever their order", []CompletedOperation{succeeded("1", 3, resized("a", xlarge)), succeeded("2", 1, resized("a", large))},
			observe("a", large), nil},
		{"what the last did not touch is the one before's", []CompletedOperation{succeeded("2", 1, resized("b", large)), succeeded("1", 3, resized("a", xlarge))},
			observe("a", large, "b", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"what failed was set to nobody knows what", []CompletedOperation{failed("2", 1, resized("a", large)), succeeded("1", 3, resized("a", xlarge))}, observe("a", large), nil},
		{"an older one that failed does not matter", []CompletedOperation{failed("1", 3, resized("a", large)), succeeded("2", 1, resized("a", xlarge))},
			observe("a", large), []string{"2/a db.r6g.xlarge→db.r6g.large"}},
		{"a surge reader came and went", []CompletedOperation{succeeded("1", 1, removed("s"))}, observe("a", large), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, found := Detect(Input{Operations: test.done, Observation: test.o, Now: now})
			var got []string
			for _, r := range found {
				got = append(got, r.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("reverted are %v, want %v", got, test.want)
			}
			if _, found := Detect(Input{Operations: test.done, Observation: test.o, Now: now, OperationInProgress: true}); len(found) > 0 {
				t.Errorf("while an operation is under way, reverted are %v", found)
			}
		})
	}
}

// TestDetect_ReportsRevertOnce: a revert that is known is not found again, however often it is looked at.
func TestDetect_ReportsRevertOnce(t *testing.T) {
	in := Input{Operations: []CompletedOperation{succeeded("1", 1, resized("a", xlarge), resized("b", xlarge))}, Observation: observe("a", large, "b", xlarge), Now: now}
	m, found := Detect(in)
	if len(found) != 1 || m.Conflict != nil {
		t.Fatalf("found %v, %+v", found, m)
	}
	in.State, in.Now = m, now.Add(time.Minute)
	if m, found = Detect(in); len(found) != 0 || len(m.Reverts) != 1 {
		t.Errorf("found %v again, %+v", found, m)
	}
	in.State, in.Observation = m, observe("a", large, "b", large) // the second instance of the same apply
	if m, found = Detect(in); len(found) != 1 || m.Conflict != nil {
		t.Errorf("found %v, %+v", found, m)
	}
}

// TestDetect_Conflict: from the second reverted operation within a week on, until a person acts.
func TestDetect_Conflict(t *testing.T) {
	before := func(days float64) State {
		return State{Reverts: []Revert{{DetectedAt: hoursAgo(24 * days), Operation: "0", Instance: "a", ExpectedClass: xlarge, ObservedClass: large}}}
	}
	in := Input{Operations: []CompletedOperation{succeeded("1", 1, resized("a", xlarge))}, Observation: observe("a", large), Now: now, Generation: 3, ResolveAnnotation: "old"}
	in.State = before(7.1)
	if m, _ := Detect(in); m.Conflict != nil || len(m.Reverts) != 1 {
		t.Errorf("after more than a week: %+v", m)
	}
	in.State = before(6.9)
	m, found := Detect(in)
	if m.Conflict == nil || len(found) != 1 || len(m.Reverts) != 2 || *m.Conflict != (Conflict{DetectedAt: now, Generation: 3, ResolveAnnotation: "old"}) {
		t.Fatalf("within a week: %+v", m)
	}
	if len(in.State.Reverts) != 1 {
		t.Error("what was given was changed")
	}

	in.State = m
	for name, test := range map[string]struct {
		edit func(*Input)
		ends bool
	}{
		"time heals nothing":                    {func(in *Input) { in.Now = now.Add(90 * 24 * time.Hour) }, false},
		"nor does a change of the database":     {func(in *Input) { in.Observation = observe("a", xlarge) }, false},
		"the annotation that was there already": {func(in *Input) { in.ResolveAnnotation = "old" }, false},
		"the annotation is taken off":           {func(in *Input) { in.ResolveAnnotation = "" }, false},
		"the annotation is set anew":            {func(in *Input) { in.ResolveAnnotation = "new" }, true},
		"the spec is changed":                   {func(in *Input) { in.Generation = 4 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := in
			test.edit(&in)
			m, found := Detect(in)
			if (m.Conflict == nil) != test.ends || len(found) > 0 {
				t.Errorf("found %v, %+v", found, m)
			}
			if test.ends && (len(m.Reverts) > 0 || !m.ResolvedAt.Equal(in.Now)) {
				t.Errorf("it begins anew with %+v", m)
			}
			if !test.ends && len(m.Reverts) != 2 {
				t.Errorf("what it was about is forgotten: %+v", m)
			}
		})
	}
	t.Run("what was set before it was resolved counts no more", func(t *testing.T) {
		in := in
		in.State = State{ResolvedAt: now.Add(-time.Minute)}
		if m, found := Detect(in); len(found) > 0 || m.Conflict != nil {
			t.Errorf("found %v", found)
		}
	})
}

// TestDetect_LimitsReverts.
func TestDetect_LimitsReverts(t *testing.T) {
	var set []ExpectedInstance
	var pairs []string
	for n := range maxReverts + 8 {
		name := fmt.Sprintf("r%d", n)
		set, pairs = append(set, resized(name, xlarge)), append(pairs, name, large)
	}
	if m, _ := Detect(Input{Operations: []CompletedOperation{succeeded("1", 1, set...)}, Observation: observe(pairs...), Now: now}); len(m.Reverts) != maxReverts {
		t.Errorf("%d reverts are remembered", len(m.Reverts))
	}
}
