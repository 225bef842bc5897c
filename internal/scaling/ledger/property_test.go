package ledger

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// FuzzDecide_SteadyLoad: at a constant load that can be seen there is at most one change, and then none.
func FuzzDecide_SteadyLoad(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := randomPolicy(r)
		demand := r.Float64() * 40
		count := p.Readers.Min + r.IntN(p.Readers.Max-p.Readers.Min+1)
		w := newFakeCluster(p, p.Readers.InstanceClasses[r.IntN(len(p.Readers.InstanceClasses))], count, func(int) float64 { return demand })
		for range 24 * 60 / int(decisionInterval/time.Minute) {
			w.decideOnce()
		}
		if len(w.changes) > 1 {
			t.Errorf("a constant load of %.2f vCPU with %s, %s led to %d changes:\n%s", demand, p.Readers.Preference, p.Readers.Redundancy,
				len(w.changes), strings.Join(w.changes, "\n"))
		}
	})
}

// FuzzDecide_RulesHold: whatever the load does and whichever samples are missing, what is approved keeps to every rule.
func FuzzDecide_RulesHold(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := randomPolicy(r)
		base, swing, jump, when := r.Float64()*10, r.Float64()*20, r.Float64()*30, r.IntN(2*24*60)
		demand := func(minute int) float64 {
			d := base + swing*(1-math.Cos(2*math.Pi*float64(minute)/(24*60)))/2
			if minute > when {
				d += jump
			}
			return d
		}
		w := newFakeCluster(p, p.Readers.InstanceClasses[0], p.Readers.Min, demand)
		w.dbLoadUnavailable = r.IntN(2) == 0
		gap, length := r.IntN(2*24*60), r.IntN(120)
		w.missing = func(minute int) bool { return minute >= gap && minute < gap+length }
		w.onEntry = func(e Entry) {
			proposal, _, approved := e.ApprovedProposal()
			if !approved {
				return
			}
			if problem := brokenRule(p, e.Inputs, proposal, w.demandVCPUs, w.missing); problem != "" {
				t.Fatalf("%s %s: %s → %s (%s): %s\nafter\n%s", e.Inputs.Now.Format("Mon 15:04"), proposal.Reason, proposal.From, proposal.To,
					proposal.Cause, problem, strings.Join(w.changes, "\n"))
			}
		}
		for range 2 * 24 * 60 / int(decisionInterval/time.Minute) {
			w.decideOnce()
		}
	})
}

// brokenRule says which rule an approved proposal breaks. It works everything out anew, from what the world knows.
func brokenRule(p scaling.Policy, in Inputs, proposal scaling.Proposal, demand func(int) float64, missing func(int) bool) string {
	to := proposal.To
	class := mustClass(catalog.Lookup(to.InstanceClass))
	switch {
	case !slices.Contains(p.Readers.InstanceClasses, to.InstanceClass) || to.Count < p.Readers.Min || to.Count > p.Readers.Max:
		return "out of bounds"
	case exceedsDailyLimit(p, in, proposal):
		return "more operations than a day may have"
	}
	if proposal.Direction == scaling.Up && p.Guardrails.MaxHourlyCost > 0 {
		if cost := scaling.Money(to.Count)*p.Prices[to.InstanceClass] + p.Prices["db.r6g.large"]; cost > p.Guardrails.MaxHourlyCost {
			return fmt.Sprintf("it costs %s of %s", cost, p.Guardrails.MaxHourlyCost)
		}
	}
	cooled := func(wait time.Duration, directions ...scaling.Direction) bool {
		return !slices.ContainsFunc(in.Observation.History, func(past scaling.OperationRecord) bool {
			return slices.Contains(directions, past.Direction) && in.Now.Sub(past.CompletedAt) < wait
		})
	}
	if proposal.Direction == scaling.Up {
		if !proposal.Emergency && !cooled(p.ScaleUp.Cooldown, scaling.Up) {
			return "within the cooldown"
		}
		return ""
	}
	if !cooled(p.ScaleDown.Cooldown, scaling.Up, scaling.Down) {
		return "within the cooldown"
	}
	newest := in.Now.Add(-2 * time.Minute).Truncate(time.Minute)
	for at := newest; at.After(newest.Add(-p.ScaleDown.Window)); at = at.Add(-time.Minute) {
		minute := int(at.Sub(now) / time.Minute)
		before := minute + 1 // the world's minutes are counted from the one that ends at now
		switch {
		case missing(before):
			return fmt.Sprintf("the sample of %s is missing", at.Format("15:04"))
		case at.Before(in.Observation.ReadersChangedAt.Add(decide.WarmUp)):
			return fmt.Sprintf("at %s the pool was another", at.Format("15:04"))
		case demand(before) > float64(p.CPU.Target)/100*float64(to.Count*class.VCPU)*1.000001:
			return fmt.Sprintf("%.2f vCPU at %s do not fit", demand(before), at.Format("15:04"))
		}
	}
	return ""
}

// exceedsDailyLimit counts the operations of the last day: those that interrupt up to the limit, all of them up to four times that, and for
// shrinking a third less.
func exceedsDailyLimit(p scaling.Policy, in Inputs, proposal scaling.Proposal) bool {
	resizes := func(from, to scaling.Shape) bool { return from.InstanceClass != to.InstanceClass }
	most, count := p.Guardrails.MaxOperationsPerDay, 0
	if !resizes(proposal.From, proposal.To) {
		most *= 4
	}
	for _, past := range in.Observation.History {
		if in.Now.Sub(past.StartedAt) < 24*time.Hour && past.Direction != scaling.Cleanup &&
			(past.Disruptive || !resizes(proposal.From, proposal.To)) {
			count++
		}
	}
	if proposal.Direction == scaling.Down {
		most -= most / 3
	}
	return count >= most
}

// FuzzReplay_IsExact: whatever the inputs are, an entry decided again is the same.
func FuzzReplay_IsExact(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, 50.0, int64(0))
	}
	f.Add(uint64(1), math.NaN(), int64(-1))
	f.Fuzz(func(t *testing.T, seed uint64, value float64, offset int64) {
		r := rand.New(rand.NewPCG(seed, 3))
		in := newInputs(float64(r.IntN(120)))
		in.Policy = randomPolicy(r)
		in.Now = in.Now.Add(time.Duration(offset % int64(24*time.Hour)))
		reader := &in.Observation.Instances[1]
		reader.CPU[r.IntN(len(reader.CPU))] = scaling.Sample{Time: now.Add(time.Duration(offset % int64(time.Hour))), Value: value}
		line, err := Record(in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Replay(line)
		if err != nil || string(again) != string(line) {
			t.Errorf("%v\n%s\nbecame\n%s", err, line, again)
		}
	})
}
