package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const gib = 1 << 30

// withFreeResources sets the freeable memory, in GiB, and the connections of every instance.
func withFreeResources(o scaling.Observation, gibibytes, connections float64) scaling.Observation {
	for n := range o.Instances {
		o.Instances[n].FreeableMemory = fiveMinuteSeries(gibibytes * gib)
		o.Instances[n].Connections = fiveMinuteSeries(connections)
	}
	return o
}

// verdictOf is the verdict on a shape.
func verdictOf(t *testing.T, d scaling.Decision, s scaling.Shape) scaling.Verdict {
	t.Helper()
	for _, pool := range d.Pools {
		for _, c := range pool.Candidates {
			if c.Shape == s {
				return c.Verdict
			}
		}
	}
	t.Fatalf("%s is not a candidate", s)
	return ""
}

// A db.r6g.xlarge has 32 GiB, a large 16. Aurora PostgreSQL gives 68 % of 95 % of it to its page cache, which follows the
// class: of 16 GiB that leaves 35.4 %, of which 5 % stay free: 4.86 GiB for everything else.
func TestScaleDown_MemoryMustFit(t *testing.T) {
	// 32 GiB less 20.67 GiB of cache leave 11.33 GiB; the part of that which is not freeable must fit 4.86 GiB.
	for _, test := range []struct {
		free float64
		want scaling.Verdict
	}{
		{6.48, scaling.VerdictChosen},
		{6.46, scaling.VerdictInsufficientMemory},
		{0, scaling.VerdictInsufficientMemory},
		{20, scaling.VerdictChosen},
	} {
		d := Evaluate(newPolicy(withPreference(scaling.Vertical)), withFreeResources(newObservation(ownReader("a", xlarge, constantLoad(10))), test.free, 10), now)
		if got := verdictOf(t, d, shape(1, large)); got != test.want {
			t.Errorf("with %.2f GiB free: %s, want %s", test.free, got, test.want)
		}
	}
	t.Run("an engine without a known page cache needs all memory in use", func(t *testing.T) {
		o := withFreeResources(newObservation(writer("db.m6i.xlarge", constantLoad(10))), 9, 10) // 16 GiB less 9 GiB are 7 GiB; 95 % of 8 GiB fit
		o.Engine = "oracle-se2"
		p := newPolicy(withoutReaders, withWriter("db.m6i.large", "db.m6i.xlarge"))
		if d := Evaluate(p, o, now); reason(d) != scaling.ReasonScaleDown {
			t.Errorf("7 GiB: %s (%s)", reason(d), d.Hold.Message)
		}
		if d := Evaluate(p, withFreeResources(o, 8, 10), now); reason(d) != scaling.ReasonAtMinimum || !strings.Contains(d.Hold.Message, "too little memory") {
			t.Errorf("8 GiB: %s (%s)", reason(d), d.Hold.Message)
		}
	})
}

// A large takes 0.95 · 16 GiB / 9531392 = 1712 connections, of which 90 % may be in use: 1541.
func TestScaleDown_ConnectionsMustFit(t *testing.T) {
	for _, test := range []struct {
		name    string
		readers []scaling.Instance
		each    float64
		to      scaling.Shape
		want    scaling.Verdict
	}{
		{"as many as the class allows", []scaling.Instance{ownReader("a", xlarge, constantLoad(10))}, 1540, shape(1, large),
			scaling.VerdictChosen},
		{"more than the class allows", []scaling.Instance{ownReader("a", xlarge, constantLoad(10))}, 1542, shape(1, large),
			scaling.VerdictInsufficientConnections},
		{"connections of two readers fit one", twoReaders(large, constantLoad(10)), 770, shape(1, large), scaling.VerdictChosen},
		{"connections of two readers do not fit one", twoReaders(large, constantLoad(10)), 772, shape(1, large),
			scaling.VerdictInsufficientConnections},
	} {
		d := Evaluate(newPolicy(withPreference(scaling.Vertical)), withFreeResources(newObservation(test.readers...), 10, test.each), now)
		if got := verdictOf(t, d, test.to); got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.name, test.to, got, test.want)
		}
	}
}

// A mixed pool is not scaled down without memory samples of its largest instance.
func TestScaleDown_MixedPoolNeedsMemorySamples(t *testing.T) {
	o := newObservation(ownReader("a", large, constantLoad(10)), ownReader("b", xlarge4, constantLoad(10)))
	o.Instances[1].FreeableMemory = scaling.Series{}
	d := Evaluate(newPolicy(withReaders(2, 2, large)), o, now)
	if len(d.Proposals) > 0 || verdictOf(t, d, shape(2, large)) != scaling.VerdictMemoryUnknown {
		t.Errorf("got %v, and 2 × large is %s", d.Proposals, verdictOf(t, d, shape(2, large)))
	}
}

// Fewer and larger readers do not need samples of readers that were just added, when all that the classes of those have fits. By hand, with
// 32.3 % of the memory outside the page cache of Aurora PostgreSQL: four large have 4 × 16 × 0.354 = 22.6 GiB and 4 × 1802 connections; two
// 2xlarge have 2 × 64 × 0.304 = 38.9 GiB and 2 × 5000 connections, of which 9000 may be used.
func TestScaleUp_FewerAndLargerReadersWithoutSamples(t *testing.T) {
	for _, test := range []struct {
		name string
		min  int
		edit func(*scaling.Instance)
		to   scaling.Shape
		want scaling.Verdict
	}{
		{"samples of all", 2, func(*scaling.Instance) {}, shape(2, xlarge2), scaling.VerdictFits},
		{"no memory samples", 2, func(i *scaling.Instance) { i.FreeableMemory = scaling.Series{} }, shape(2, xlarge2), scaling.VerdictFits},
		{"no connection samples", 2, func(i *scaling.Instance) { i.Connections = scaling.Series{} }, shape(2, xlarge2), scaling.VerdictFits},
		{"not all connections would fit", 1, func(i *scaling.Instance) { i.Connections = scaling.Series{} }, shape(1, xlarge4),
			scaling.VerdictConnectionsUnknown},
	} {
		o := newObservation(ownReader("a", large, constantLoad(90)), ownReader("b", large, constantLoad(90)), ownReader("c", large, constantLoad(90)),
			ownReader("d", large, constantLoad(90)))
		for n := range o.Instances {
			test.edit(&o.Instances[n])
		}
		if got := verdictOf(t, Evaluate(newPolicy(withReaders(test.min, 4, large, xlarge, xlarge2, xlarge4)), o, now), test.to); got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.name, test.to, got, test.want)
		}
	}
}

// Memory and connections that are not known do not fit.
func TestScaleDown_MissingMemoryOrConnections(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*scaling.Instance)
		want scaling.Verdict
	}{
		{"all samples are available", func(*scaling.Instance) {}, scaling.VerdictFits},
		{"no memory samples", func(i *scaling.Instance) { i.FreeableMemory = scaling.Series{} }, scaling.VerdictMemoryUnknown},
		{"no connection samples", func(i *scaling.Instance) { i.Connections = scaling.Series{} }, scaling.VerdictConnectionsUnknown},
		{"invalid memory samples", func(i *scaling.Instance) { i.FreeableMemory = fiveMinuteSeries(-1) }, scaling.VerdictMemoryUnknown},
		{"memory samples are 25 min old", func(i *scaling.Instance) {
			i.FreeableMemory = i.FreeableMemory.Before(now.Add(-25 * time.Minute))
		}, scaling.VerdictMemoryUnknown},
		{"connection samples for half of the window", func(i *scaling.Instance) {
			i.Connections = i.Connections.From(now.Add(-2 * time.Hour))
		}, scaling.VerdictConnectionsUnknown},
	} {
		p := newPolicy(func(p *scaling.Policy) { p.ScaleDown.Window = 4 * time.Hour })
		o := newObservation(twoReaders(xlarge, recentSamples(repeated(10, 300)...))...)
		test.edit(&o.Instances[1])
		if got := verdictOf(t, Evaluate(p, o, now), shape(1, xlarge)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	t.Run("a scale-up needs neither", func(t *testing.T) {
		o := newObservation(twoReaders(large, constantLoad(90))...)
		for n := range o.Instances {
			o.Instances[n].FreeableMemory, o.Instances[n].Connections = scaling.Series{}, scaling.Series{}
		}
		d := Evaluate(newPolicy(withPreference(scaling.Vertical)), o, now)
		if got := onlyProposal(t, d); got.To != shape(2, xlarge) {
			t.Errorf("got %s", got.To)
		}
	})
	t.Run("more and smaller readers need both, also when none carries the load", func(t *testing.T) {
		o := newObservation(ownReader("a", xlarge2, constantLoad(94))) // 7.5 vCPU need 13.7: three xlarge have 12, and less memory each
		o.Instances[0].FreeableMemory = scaling.Series{}
		d := Evaluate(newPolicy(withReaders(1, 3, xlarge)), o, now)
		if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonNoSuitableShape {
			t.Errorf("got %v and %s", d.Proposals, d.Hold.Reason)
		}
	})
	t.Run("more and smaller readers need both", func(t *testing.T) {
		o := newObservation(ownReader("a", xlarge2, constantLoad(80))) // 6.4 vCPU need 11.6: three xlarge have less memory each
		o.Instances[0].FreeableMemory = scaling.Series{}
		d := Evaluate(newPolicy(), o, now)
		if got := onlyProposal(t, d); got.To != shape(2, xlarge2) || verdictOf(t, d, shape(3, xlarge)) != scaling.VerdictMemoryUnknown {
			t.Errorf("got %s, and 3 × xlarge is %s", got.To, verdictOf(t, d, shape(3, xlarge)))
		}
	})
}

// withPrices sets the prices of classes, in US cents per hour.
func withPrices(cents map[string]int) func(*scaling.Policy) {
	return func(p *scaling.Policy) {
		p.Prices = map[string]scaling.Money{}
		for class, c := range cents {
			p.Prices[class] = scaling.Money(c) * scaling.Dollar / 100
		}
	}
}

func withMaxHourlyCents(dollars scaling.Money) func(*scaling.Policy) {
	return func(p *scaling.Policy) { p.Guardrails.MaxHourlyCost = dollars * scaling.Dollar / 100 }
}

func TestEvaluate_PricesAndBudget(t *testing.T) {
	families := withReaders(1, 4, "db.r7g.large", large, "db.r7g.xlarge", xlarge)
	list := map[string]int{large: 26, xlarge: 52, "db.r7g.large": 20, "db.r7g.xlarge": 40}
	cheap := map[string]int{large: 26, xlarge: 52, "db.r7g.large": 20, "db.r7g.xlarge": 30}
	busy := newObservation(ownReader("a", large, constantLoad(80))) // 1.6 vCPU need 2.9
	idle := newObservation(ownReader("a", xlarge, constantLoad(20)))
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Shape
		verdicts    map[scaling.Shape]scaling.Verdict
	}{
		{"scale-up without prices stays in the family", newPolicy(families), busy, shape(2, large),
			map[scaling.Shape]scaling.Verdict{shape(2, "db.r7g.large"): scaling.VerdictPriceUnknown}},
		{"scale-up without prices leaves the family when nothing in it fits", newPolicy(withReaders(1, 1, large, "db.r7g.xlarge")), busy,
			shape(1, "db.r7g.xlarge"), nil},
		{"resizing for 40 cents (× 1.5) is more than adding for 52", newPolicy(families, withPrices(list)), busy, shape(2, large),
			map[scaling.Shape]scaling.Verdict{shape(2, "db.r7g.large"): scaling.VerdictFits, shape(1, "db.r7g.xlarge"): scaling.VerdictFits}},
		{"resizing for 30 cents (× 1.5) is less than adding for 52", newPolicy(families, withPrices(cheap)), busy,
			shape(1, "db.r7g.xlarge"), nil},
		{"one unknown price: cost is compared by vCPU",
			newPolicy(families, withPrices(map[string]int{large: 26, xlarge: 52, "db.r7g.xlarge": 40})), busy,
			shape(2, large), nil},
		{"scale-down without prices stays in the family", newPolicy(families), idle, shape(1, large),
			map[scaling.Shape]scaling.Verdict{shape(1, "db.r7g.large"): scaling.VerdictPriceUnknown}},
		{"scale-down to the cheapest", newPolicy(families, withPrices(list)), idle, shape(1, "db.r7g.large"), nil},
		{"smaller but not cheaper is rejected",
			newPolicy(withReaders(1, 4, "db.r7g.large", xlarge), withPrices(map[string]int{xlarge: 52, "db.r7g.large": 52})), idle,
			scaling.Shape{}, map[scaling.Shape]scaling.Verdict{shape(1, "db.r7g.large"): scaling.VerdictMoreExpensive}},
		{"cost equal to the budget is allowed",
			newPolicy(withPreference(scaling.Vertical), withPrices(list), withReaders(1, 4, large, xlarge), withMaxHourlyCents(52)), busy, shape(1, xlarge), nil},
		{"a shape over budget is skipped", newPolicy(withPreference(scaling.Vertical), withReaders(1, 4, large, xlarge),
			withPrices(map[string]int{large: 26, xlarge: 60}), withMaxHourlyCents(52)), busy, shape(2, large),
			map[scaling.Shape]scaling.Verdict{shape(1, xlarge): scaling.VerdictOverBudget}},
		{"no scale-up when everything is over budget",
			newPolicy(withPrices(list), withReaders(1, 4, large, xlarge), withMaxHourlyCents(51)), busy, scaling.Shape{},
			map[scaling.Shape]scaling.Verdict{shape(2, large): scaling.VerdictOverBudget}},
		{"no scale-up with a budget but without prices", newPolicy(withReaders(1, 4, large), withMaxHourlyCents(500)), busy, scaling.Shape{},
			map[scaling.Shape]scaling.Verdict{shape(2, large): scaling.VerdictOverBudget}},
		{"scale-down is within any budget", newPolicy(withReaders(1, 4, large, xlarge), withMaxHourlyCents(1)), idle, shape(1, large), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(test.policy, test.observation, now)
			got := scaling.Shape{}
			if len(d.Proposals) > 0 {
				got = d.Proposals[0].To
			}
			if got != test.want {
				t.Errorf("got %s (%s), want %s", got, d.Hold.Message, test.want)
			}
			for s, want := range test.verdicts {
				if v := verdictOf(t, d, s); v != want {
					t.Errorf("%s is %s, want %s", s, v, want)
				}
			}
		})
	}
}

func TestEvaluate_ClassNotOrderable(t *testing.T) {
	o := newObservation(ownReader("a", large, constantLoad(80)))
	o.Orderable = []string{large, xlarge2}
	d := Evaluate(newPolicy(withPreference(scaling.Vertical)), o, now)
	if got := onlyProposal(t, d); got.To != shape(1, xlarge2) || verdictOf(t, d, shape(1, xlarge)) != scaling.VerdictNotOrderable {
		t.Errorf("got %s", got.To)
	}
	o.Orderable = []string{}
	d = Evaluate(newPolicy(withPreference(scaling.Vertical)), o, now)
	if reason(d) != scaling.ReasonNoSuitableShape || !strings.Contains(d.Hold.Message, "AWS does not offer the class") {
		t.Errorf("got %s: %s", reason(d), d.Hold.Message)
	}
}

// A class that AWS had no instances of is not chosen for a time where an instance would have to be changed to it.
func TestEvaluate_CapacityShortages(t *testing.T) {
	short := func(class, zone string, until time.Duration) scaling.Observation {
		o := newObservation(ownReader("a", large, constantLoad(80)))
		o.Instances[0].AvailabilityZone = "b"
		o.Shortages = []scaling.CapacityShortage{{InstanceClass: class, Zone: zone, ExpiresAt: now.Add(until)}}
		return o
	}
	vertical := newPolicy(withPreference(scaling.Vertical))
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Shape
	}{
		{"no capacity in any zone", vertical, short(xlarge, "", time.Minute), shape(1, xlarge2)},
		{"the shortage has expired", vertical, short(xlarge, "", 0), shape(1, xlarge)},
		{"no capacity in the reader's zone", vertical, short(xlarge, "b", time.Minute), shape(1, xlarge2)},
		{"no capacity in another zone", vertical, short(xlarge, "c", time.Minute), shape(1, xlarge)},
		{"a new reader can be created in another zone", newPolicy(), short(large, "b", time.Minute), shape(2, large)},
		{"a new reader can be created in no zone", newPolicy(), short(large, "", time.Minute), shape(1, xlarge)},
	} {
		if got := onlyProposal(t, Evaluate(test.policy, test.observation, now)); got.To != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got.To, test.want)
		}
	}
}

// Whatever the preference, only the class changes.
func TestEvaluate_AutoScalingManagesReaderCount(t *testing.T) {
	for _, preference := range []scaling.Preference{scaling.Cheapest, scaling.Vertical, scaling.Horizontal} {
		o := newObservation(foreignReader("a", large, constantLoad(90)), foreignReader("b", large, constantLoad(90)))
		o.AutoScaling = &scaling.AutoScaling{Min: 1, Max: 5}
		d := Evaluate(newPolicy(withPreference(preference)), o, now)
		if p := onlyProposal(t, d); p.To.Count != 2 || p.To.InstanceClass == large {
			t.Errorf("preference %s: got %s, want another class and 2 readers", preference, p.To)
		}
		if got := verdictOf(t, d, shape(4, large)); got != scaling.VerdictCountManaged {
			t.Errorf("preference %s: four readers are %s", preference, got)
		}
	}
}
