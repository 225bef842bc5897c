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

// At a constant load there is at most one change.
func FuzzDecide_SteadyLoad(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := randomPolicy(r)
		demand := r.Float64() * 40
		count := p.Readers.Min + r.IntN(p.Readers.Max-p.Readers.Min+1)
		cluster := newFakeCluster(p, p.Readers.InstanceClasses[r.IntN(len(p.Readers.InstanceClasses))], count, func(int) float64 { return demand })
		for range 24 * 60 / int(decisionInterval/time.Minute) {
			cluster.decideOnce()
		}
		if len(cluster.changes) > 1 {
			t.Errorf("a constant load of %.2f vCPU with %s, %s led to %d changes:\n%s", demand, p.Readers.Preference, p.Readers.Redundancy,
				len(cluster.changes), strings.Join(cluster.changes, "\n"))
		}
	})
}

// Whatever the load and the missing samples, every approved proposal keeps to the rules.
func FuzzDecide_RulesHold(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 2))
		p := randomPolicy(r)
		demand := randomDemand(r)
		cluster := newFakeCluster(p, p.Readers.InstanceClasses[0], p.Readers.Min, demand)
		cluster.dbLoadUnavailable = r.IntN(2) == 0
		gap, length := r.IntN(2*24*60), r.IntN(120)
		cluster.missing = func(minute int) bool { return minute >= gap && minute < gap+length }
		cluster.onEntry = func(e Entry) {
			proposal, _, approved := e.ApprovedProposal()
			if !approved {
				return
			}
			if rule := brokenRule(p, e.Inputs, proposal, cluster.demandVCPUs, cluster.missing); rule != "" {
				t.Fatalf("%s %s: %s → %s (%s): %s\nafter\n%s", e.Inputs.Now.Format("Mon 15:04"), proposal.Reason, proposal.From, proposal.To,
					proposal.Cause, rule, strings.Join(cluster.changes, "\n"))
			}
		}
		for range 2 * 24 * 60 / int(decisionInterval/time.Minute) {
			cluster.decideOnce()
		}
	})
}

// randomDemand is a demand in vCPUs by minute that varies over the day, and rises at once in one of the minutes of two days.
func randomDemand(r *rand.Rand) func(minute int) float64 {
	base, swing, jump, when := r.Float64()*10, r.Float64()*20, r.Float64()*30, r.IntN(2*24*60)
	return func(minute int) float64 {
		d := base + swing*(1-math.Cos(2*math.Pi*float64(minute)/(24*60)))/2
		if minute > when {
			d += jump
		}
		return d
	}
}

// brokenRule returns the rule that an approved proposal breaks, or "". It computes everything independently from the fake cluster.
func brokenRule(p scaling.Policy, in Inputs, proposal scaling.Proposal, demand func(int) float64, missing func(int) bool) string {
	to := proposal.To
	class := mustClass(catalog.Lookup(to.InstanceClass))
	switch {
	case !slices.Contains(p.Readers.InstanceClasses, to.InstanceClass) || to.Count < p.Readers.Min || to.Count > p.Readers.Max:
		return "out of bounds"
	case exceedsDailyLimit(p, in, proposal):
		return "more operations than allowed in a day"
	}
	if proposal.Direction == scaling.Up && p.Guardrails.MaxHourlyCost > 0 {
		if cost := scaling.Money(to.Count)*p.Prices[to.InstanceClass] + p.Prices["db.r6g.large"]; cost > p.Guardrails.MaxHourlyCost {
			return fmt.Sprintf("costs %s of %s", cost, p.Guardrails.MaxHourlyCost)
		}
	}
	cooledDown := func(wait time.Duration, directions ...scaling.Direction) bool {
		return !slices.ContainsFunc(in.Observation.History, func(r scaling.OperationRecord) bool {
			return slices.Contains(directions, r.Direction) && in.Now.Sub(r.CompletedAt) < wait
		})
	}
	if proposal.Direction == scaling.Up {
		if !proposal.Emergency && !cooledDown(p.ScaleUp.Cooldown, scaling.Up) {
			return "within the cooldown"
		}
		return ""
	}
	if !cooledDown(p.ScaleDown.Cooldown, scaling.Up, scaling.Down) {
		return "within the cooldown"
	}
	newest := in.Now.Add(-2 * time.Minute).Truncate(time.Minute)
	for at := newest; at.After(newest.Add(-p.ScaleDown.Window)); at = at.Add(-time.Minute) {
		minute := int(at.Sub(now) / time.Minute)
		before := minute + 1 // the fake cluster counts minutes from the one that ends at now
		switch {
		case missing(before):
			return fmt.Sprintf("the sample of %s is missing", at.Format("15:04"))
		case at.Before(in.Observation.ReadersChangedAt.Add(decide.WarmUp)):
			return fmt.Sprintf("at %s the pool had another shape", at.Format("15:04"))
		case demand(before) > float64(p.CPU.Target)/100*float64(to.Count)*class.VCPU*1.000001:
			return fmt.Sprintf("%.2f vCPU at %s does not fit", demand(before), at.Format("15:04"))
		}
	}
	return ""
}

// exceedsDailyLimit counts the operations of the last day: disruptive ones up to the limit, all of them up to four times the limit. For
// a scale-down the limit is a third lower.
func exceedsDailyLimit(p scaling.Policy, in Inputs, proposal scaling.Proposal) bool {
	resizes := func(from, to scaling.Shape) bool { return from.InstanceClass != to.InstanceClass }
	limit, count := p.Guardrails.MaxOperationsPerDay, 0
	if !resizes(proposal.From, proposal.To) {
		limit *= 4
	}
	for _, r := range in.Observation.History {
		if in.Now.Sub(r.StartedAt) < 24*time.Hour && r.Direction != scaling.Cleanup &&
			(r.Disruptive || !resizes(proposal.From, proposal.To)) {
			count++
		}
	}
	if proposal.Direction == scaling.Down {
		limit -= limit / 3
	}
	return count >= limit
}

// Whatever the inputs, Replay returns the bytes of the entry.
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
		samples := scaling.NewSeriesBuffer(time.Minute)
		for at, percent := range reader.CPU.All() {
			samples.Add(at, percent)
		}
		samples.Add(reader.CPU.TimeAt(r.IntN(reader.CPU.Len())), value)
		samples.Add(now.Add(time.Duration(offset%int64(time.Hour))), value)
		reader.CPU = samples.Series()
		line, err := Record(in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Replay(line)
		if err != nil || string(again) != string(line) {
			t.Errorf("%v\n%s\nwas replayed as\n%s", err, line, again)
		}
	})
}
