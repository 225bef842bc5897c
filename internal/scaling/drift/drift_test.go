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

// did is an operation that ended well some hours ago.
func did(id string, hours float64, set ...Set) Done {
	return Done{ID: id, Pool: scaling.Readers, Succeeded: true, Completed: hoursAgo(hours), Set: set}
}

func failed(id string, hours float64, set ...Set) Done {
	d := did(id, hours, set...)
	d.Succeeded = false
	return d
}

func resized(instance, class string) Set { return Set{instance, scaling.ModifyInstanceClass, class} }
func added(instance, class string) Set   { return Set{instance, scaling.CreateReader, class} }
func removed(instance string) Set        { return Set{instance, scaling.DeleteReader, ""} }

// there is an observation of instances, given as a name and a class each.
func there(pairs ...string) scaling.Observation {
	var o scaling.Observation
	for n := 0; n < len(pairs); n += 2 {
		o.Instances = append(o.Instances, scaling.Instance{Identifier: pairs[n], Class: pairs[n+1], Status: scaling.StatusAvailable})
	}
	return o
}

func (r Revert) String() string {
	return fmt.Sprintf("%s/%s %s→%s", r.Operation, r.Instance, r.From, r.To)
}

func TestWhatIsARevert(t *testing.T) {
	for _, test := range []struct {
		name string
		done []Done
		o    scaling.Observation
		want []string
	}{
		{"it is as it was set", []Done{did("1", 1, resized("a", xlarge), added("b", xlarge), removed("c"))}, there("a", xlarge, "b", xlarge), nil},
		{"a class was changed back", []Done{did("1", 1, resized("a", xlarge))}, there("a", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"somebody scaled further up", []Done{did("1", 1, resized("a", large))}, there("a", xlarge), []string{"1/a db.r6g.large→db.r6g.xlarge"}},
		{"our reader is gone", []Done{did("1", 1, added("b", large))}, there("a", large), []string{"1/b db.r6g.large→"}},
		{"our reader is being removed", []Done{did("1", 1, added("a", large))}, func() scaling.Observation {
			o := there("a", large)
			o.Instances[0].Status = "deleting"
			return o
		}(), []string{"1/a db.r6g.large→"}},
		{"a reader is gone that was there before us", []Done{did("1", 1, resized("b", large))}, there("a", large), nil},
		{"a reader that we removed is back", []Done{did("1", 1, removed("b"))}, there("b", large), []string{"1/b →db.r6g.large"}},
		{"after a day it is somebody's decision", []Done{did("1", 24.1, resized("a", xlarge))}, there("a", large), nil},
		{"just within a day", []Done{did("1", 24, resized("a", xlarge))}, there("a", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"of two operations the last counts, whatever their order", []Done{did("1", 3, resized("a", xlarge)), did("2", 1, resized("a", large))},
			there("a", large), nil},
		{"what the last did not touch is the one before's", []Done{did("2", 1, resized("b", large)), did("1", 3, resized("a", xlarge))},
			there("a", large, "b", large), []string{"1/a db.r6g.xlarge→db.r6g.large"}},
		{"what failed was set to nobody knows what", []Done{failed("2", 1, resized("a", large)), did("1", 3, resized("a", xlarge))}, there("a", large), nil},
		{"an older one that failed does not matter", []Done{failed("1", 3, resized("a", large)), did("2", 1, resized("a", xlarge))},
			there("a", large), []string{"2/a db.r6g.xlarge→db.r6g.large"}},
		{"a surge reader came and went", []Done{did("1", 1, removed("s"))}, there("a", large), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, found := Look(Input{Done: test.done, Observation: test.o, Now: now})
			var got []string
			for _, r := range found {
				got = append(got, r.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("reverted are %v, want %v", got, test.want)
			}
			if _, found := Look(Input{Done: test.done, Observation: test.o, Now: now, UnderWay: true}); len(found) > 0 {
				t.Errorf("while an operation is under way, reverted are %v", found)
			}
		})
	}
}

// TestOnceIsToldOnce: a revert that is known is not found again, however often it is looked at.
func TestOnceIsToldOnce(t *testing.T) {
	in := Input{Done: []Done{did("1", 1, resized("a", xlarge), resized("b", xlarge))}, Observation: there("a", large, "b", xlarge), Now: now}
	m, found := Look(in)
	if len(found) != 1 || m.Conflict != nil {
		t.Fatalf("found %v, %+v", found, m)
	}
	in.Memory, in.Now = m, now.Add(time.Minute)
	if m, found = Look(in); len(found) != 0 || len(m.Reverts) != 1 {
		t.Errorf("found %v again, %+v", found, m)
	}
	in.Memory, in.Observation = m, there("a", large, "b", large) // the second instance of the same apply
	if m, found = Look(in); len(found) != 1 || m.Conflict != nil {
		t.Errorf("found %v, %+v", found, m)
	}
}

// TestHandsOff: from the second reverted operation within a week on, until a person acts.
func TestHandsOff(t *testing.T) {
	before := func(days float64) Memory {
		return Memory{Reverts: []Revert{{At: hoursAgo(24 * days), Operation: "0", Instance: "a", From: xlarge, To: large}}}
	}
	in := Input{Done: []Done{did("1", 1, resized("a", xlarge))}, Observation: there("a", large), Now: now, Generation: 3, Resolve: "old"}
	in.Memory = before(7.1)
	if m, _ := Look(in); m.Conflict != nil || len(m.Reverts) != 1 {
		t.Errorf("after more than a week: %+v", m)
	}
	in.Memory = before(6.9)
	m, found := Look(in)
	if m.Conflict == nil || len(found) != 1 || len(m.Reverts) != 2 || *m.Conflict != (Conflict{Since: now, Generation: 3, Resolve: "old"}) {
		t.Fatalf("within a week: %+v", m)
	}
	if len(in.Memory.Reverts) != 1 {
		t.Error("what was given was changed")
	}

	in.Memory = m
	for name, test := range map[string]struct {
		edit func(*Input)
		ends bool
	}{
		"time heals nothing":                    {func(in *Input) { in.Now = now.Add(90 * 24 * time.Hour) }, false},
		"nor does a change of the database":     {func(in *Input) { in.Observation = there("a", xlarge) }, false},
		"the annotation that was there already": {func(in *Input) { in.Resolve = "old" }, false},
		"the annotation is taken off":           {func(in *Input) { in.Resolve = "" }, false},
		"the annotation is set anew":            {func(in *Input) { in.Resolve = "new" }, true},
		"the spec is changed":                   {func(in *Input) { in.Generation = 4 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := in
			test.edit(&in)
			m, found := Look(in)
			if (m.Conflict == nil) != test.ends || len(found) > 0 {
				t.Errorf("found %v, %+v", found, m)
			}
			if test.ends && (len(m.Reverts) > 0 || !m.Resolved.Equal(in.Now)) {
				t.Errorf("it begins anew with %+v", m)
			}
			if !test.ends && len(m.Reverts) != 2 {
				t.Errorf("what it was about is forgotten: %+v", m)
			}
		})
	}
	t.Run("what was set before it was resolved counts no more", func(t *testing.T) {
		in := in
		in.Memory = Memory{Resolved: now.Add(-time.Minute)}
		if m, found := Look(in); len(found) > 0 || m.Conflict != nil {
			t.Errorf("found %v", found)
		}
	})
}

// TestMemoryIsBounded.
func TestMemoryIsBounded(t *testing.T) {
	var set []Set
	var pairs []string
	for n := range length + 8 {
		name := fmt.Sprintf("r%d", n)
		set, pairs = append(set, resized(name, xlarge)), append(pairs, name, large)
	}
	if m, _ := Look(Input{Done: []Done{did("1", 1, set...)}, Observation: there(pairs...), Now: now}); len(m.Reverts) != length {
		t.Errorf("%d reverts are remembered", len(m.Reverts))
	}
}
