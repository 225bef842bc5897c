package decide

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const gib = 1 << 30

// withFreeResources gives every instance so much freeable memory, and so many connections.
func withFreeResources(o scaling.Observation, gibibytes, connections float64) scaling.Observation {
	for n := range o.Instances {
		o.Instances[n].FreeableMemory = fiveMinuteSeries(gibibytes * gib)
		o.Instances[n].Connections = fiveMinuteSeries(connections)
	}
	return o
}

// verdictOf is what became of a shape of the readers.
func verdictOf(t *testing.T, d scaling.Decision, s scaling.Shape) scaling.Verdict {
	t.Helper()
	for _, pool := range d.Pools {
		for _, c := range pool.Candidates {
			if c.Shape == s {
				return c.Verdict
			}
		}
	}
	t.Fatalf("%s is no candidate", s)
	return ""
}

// A db.r6g.xlarge has 32 GiB, a large 16. Aurora PostgreSQL gives 68 % of 95 % of it to its page cache, which follows the
// class: of 16 GiB that leaves 35.4 %, and 5 % are kept free: 4.86 GiB for everything else.
func TestScaleDown_MemoryMustFit(t *testing.T) {
	// 32 GiB less 20.67 of cache leave 11.33; what of that is not free has to fit into 4.86.
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
	t.Run("an engine whose cache is not known keeps all that it has", func(t *testing.T) {
		o := withFreeResources(newObservation(writer("db.m6i.xlarge", constantLoad(10))), 9, 10) // 16 GiB less 9 are 7, of 95 % of 8 GiB
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
		{"as many as there may be", []scaling.Instance{ownReader("a", xlarge, constantLoad(10))}, 1540, shape(1, large), scaling.VerdictChosen},
		{"too many", []scaling.Instance{ownReader("a", xlarge, constantLoad(10))}, 1542, shape(1, large), scaling.VerdictInsufficientConnections},
		{"those of two on one", twoReaders(large, constantLoad(10)), 770, shape(1, large), scaling.VerdictChosen},
		{"too many of two", twoReaders(large, constantLoad(10)), 772, shape(1, large), scaling.VerdictInsufficientConnections},
	} {
		d := Evaluate(newPolicy(withPreference(scaling.Vertical)), withFreeResources(newObservation(test.readers...), 10, test.each), now)
		if got := verdictOf(t, d, test.to); got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.name, test.to, got, test.want)
		}
	}
}

// A mixed pool does not lose the memory of its largest member unseen.
func TestScaleDown_MixedPoolNeedsMemorySamples(t *testing.T) {
	o := newObservation(ownReader("a", large, constantLoad(10)), ownReader("b", xlarge4, constantLoad(10)))
	o.Instances[1].FreeableMemory = nil
	d := Evaluate(newPolicy(withReaders(2, 2, large)), o, now)
	if len(d.Proposals) > 0 || verdictOf(t, d, shape(2, large)) != scaling.VerdictMemoryUnknown {
		t.Errorf("got %v, and 2 × large is %s", d.Proposals, verdictOf(t, d, shape(2, large)))
	}
}

// What cannot be seen does not fit.
func TestScaleDown_MissingMemoryOrConnections(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*scaling.Instance)
		want scaling.Verdict
	}{
		{"all are there", func(*scaling.Instance) {}, scaling.VerdictFits},
		{"no memory", func(i *scaling.Instance) { i.FreeableMemory = nil }, scaling.VerdictMemoryUnknown},
		{"no connections", func(i *scaling.Instance) { i.Connections = nil }, scaling.VerdictConnectionsUnknown},
		{"memory is not a number", func(i *scaling.Instance) { i.FreeableMemory = fiveMinuteSeries(-1) }, scaling.VerdictMemoryUnknown},
		{"memory half an hour old", func(i *scaling.Instance) {
			i.FreeableMemory = i.FreeableMemory[:i.FreeableMemory.IndexFrom(now.Add(-25*time.Minute))]
		}, scaling.VerdictMemoryUnknown},
		{"half of the window of connections", func(i *scaling.Instance) {
			i.Connections = i.Connections[i.Connections.IndexFrom(now.Add(-2*time.Hour)):]
		}, scaling.VerdictConnectionsUnknown},
	} {
		p := newPolicy(func(p *scaling.Policy) { p.ScaleDown.Window = 4 * time.Hour })
		o := newObservation(twoReaders(xlarge, recentSamples(repeated(10, 300)...))...)
		test.edit(&o.Instances[1])
		if got := verdictOf(t, Evaluate(p, o, now), shape(1, xlarge)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	t.Run("what grows needs neither", func(t *testing.T) {
		o := newObservation(twoReaders(large, constantLoad(90))...)
		for n := range o.Instances {
			o.Instances[n].FreeableMemory, o.Instances[n].Connections = nil, nil
		}
		d := Evaluate(newPolicy(withPreference(scaling.Vertical)), o, now)
		if got := onlyProposal(t, d); got.To != shape(2, xlarge) {
			t.Errorf("got %s", got.To)
		}
	})
	t.Run("also where none carries the load", func(t *testing.T) {
		o := newObservation(ownReader("a", xlarge2, constantLoad(94))) // 7.5 vCPU want 13.7: three xlarge have 12, and less memory each
		o.Instances[0].FreeableMemory = nil
		d := Evaluate(newPolicy(withReaders(1, 3, xlarge)), o, now)
		if len(d.Proposals) > 0 || d.Hold.Reason != scaling.ReasonNoSuitableShape {
			t.Errorf("got %v and %s", d.Proposals, d.Hold.Reason)
		}
	})
	t.Run("what grows in number and shrinks in class does", func(t *testing.T) {
		o := newObservation(ownReader("a", xlarge2, constantLoad(80))) // 6.4 vCPU want 11.6: three xlarge have less memory each
		o.Instances[0].FreeableMemory = nil
		d := Evaluate(newPolicy(), o, now)
		if got := onlyProposal(t, d); got.To != shape(2, xlarge2) || verdictOf(t, d, shape(3, xlarge)) != scaling.VerdictMemoryUnknown {
			t.Errorf("got %s, and 3 × xlarge is %s", got.To, verdictOf(t, d, shape(3, xlarge)))
		}
	})
}

// withPrices are those of the classes, in cents.
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
	busy := newObservation(ownReader("a", large, constantLoad(80))) // 1.6 vCPU want 2.9
	idle := newObservation(ownReader("a", xlarge, constantLoad(20)))
	for _, test := range []struct {
		name        string
		policy      scaling.Policy
		observation scaling.Observation
		want        scaling.Shape
		verdicts    map[scaling.Shape]scaling.Verdict
	}{
		{"without prices the family stays", newPolicy(families), busy, shape(2, large),
			map[scaling.Shape]scaling.Verdict{shape(2, "db.r7g.large"): scaling.VerdictPriceUnknown}},
		{"unless nothing of it is enough", newPolicy(withReaders(1, 1, large, "db.r7g.xlarge")), busy, shape(1, "db.r7g.xlarge"), nil},
		{"with prices, 40 cents and an interruption are more than 52 without", newPolicy(families, withPrices(list)), busy, shape(2, large),
			map[scaling.Shape]scaling.Verdict{shape(2, "db.r7g.large"): scaling.VerdictFits, shape(1, "db.r7g.xlarge"): scaling.VerdictFits}},
		{"with prices the cheapest is taken: 30 cents, times 1.5", newPolicy(families, withPrices(cheap)), busy, shape(1, "db.r7g.xlarge"), nil},
		{"one price that is not known makes none known", newPolicy(families, withPrices(map[string]int{large: 26, xlarge: 52, "db.r7g.xlarge": 40})), busy,
			shape(2, large), nil},
		{"down without prices the family stays", newPolicy(families), idle, shape(1, large),
			map[scaling.Shape]scaling.Verdict{shape(1, "db.r7g.large"): scaling.VerdictPriceUnknown}},
		{"down to the cheapest", newPolicy(families, withPrices(list)), idle, shape(1, "db.r7g.large"), nil},
		{"smaller and not cheaper", newPolicy(withReaders(1, 4, "db.r7g.large", xlarge), withPrices(map[string]int{xlarge: 52, "db.r7g.large": 52})), idle,
			scaling.Shape{}, map[scaling.Shape]scaling.Verdict{shape(1, "db.r7g.large"): scaling.VerdictMoreExpensive}},
		{"on the budget", newPolicy(withPreference(scaling.Vertical), withPrices(list), withReaders(1, 4, large, xlarge), withMaxHourlyCents(52)), busy, shape(1, xlarge), nil},
		{"the budget chooses", newPolicy(withPreference(scaling.Vertical), withReaders(1, 4, large, xlarge),
			withPrices(map[string]int{large: 26, xlarge: 60}), withMaxHourlyCents(52)), busy, shape(2, large),
			map[scaling.Shape]scaling.Verdict{shape(1, xlarge): scaling.VerdictOverBudget}},
		{"above the budget nothing grows", newPolicy(withPrices(list), withReaders(1, 4, large, xlarge), withMaxHourlyCents(51)), busy, scaling.Shape{},
			map[scaling.Shape]scaling.Verdict{shape(2, large): scaling.VerdictOverBudget}},
		{"a budget without prices", newPolicy(withReaders(1, 4, large), withMaxHourlyCents(500)), busy, scaling.Shape{},
			map[scaling.Shape]scaling.Verdict{shape(2, large): scaling.VerdictOverBudget}},
		{"down is within any budget", newPolicy(withReaders(1, 4, large, xlarge), withMaxHourlyCents(1)), idle, shape(1, large), nil},
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

// A class that AWS had no instance of is not chosen for a time, where an instance would have to become it.
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
		{"nowhere", vertical, short(xlarge, "", time.Minute), shape(1, xlarge2)},
		{"nowhere, until now", vertical, short(xlarge, "", 0), shape(1, xlarge)},
		{"not in the reader's zone", vertical, short(xlarge, "b", time.Minute), shape(1, xlarge2)},
		{"not in another zone", vertical, short(xlarge, "c", time.Minute), shape(1, xlarge)},
		{"a new reader may go to another zone", newPolicy(), short(large, "b", time.Minute), shape(2, large)},
		{"a new reader may go nowhere", newPolicy(), short(large, "", time.Minute), shape(1, xlarge)},
	} {
		if got := onlyProposal(t, Evaluate(test.policy, test.observation, now)); got.To != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got.To, test.want)
		}
	}
}

// Every class that the catalogue knows has a rule for its connections on the engines that Aurora and RDS share.
func TestMaxConnections_EveryClass(t *testing.T) {
	for _, class := range catalog.All() {
		for _, engine := range []string{"aurora-postgresql", "aurora-mysql", "postgres", "mysql", "mariadb"} {
			if n, known := class.MaxConnections(engine); !known || n < 0 || n > 400_000 {
				t.Errorf("%s on %s: %d, %t", class.Name, engine, n, known)
			}
		}
	}
}

// TestEvaluate_AutoScalingManagesReaderCount: whatever the preference, only the class changes.
func TestEvaluate_AutoScalingManagesReaderCount(t *testing.T) {
	for _, preference := range []scaling.Preference{scaling.Cheapest, scaling.Vertical, scaling.Horizontal} {
		o := newObservation(foreignReader("a", large, constantLoad(90)), foreignReader("b", large, constantLoad(90)))
		o.AutoScaling = &scaling.AutoScaling{Min: 1, Max: 5}
		d := Evaluate(newPolicy(withPreference(preference)), o, now)
		if p := onlyProposal(t, d); p.To.Count != 2 || p.To.InstanceClass == large {
			t.Errorf("%s: %s is proposed", preference, p.To)
		}
		if got := verdictOf(t, d, shape(4, large)); got != scaling.VerdictCountManaged {
			t.Errorf("%s: four are %s", preference, got)
		}
	}
}
