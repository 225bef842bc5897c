package decide

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// fuzzInput turns the bytes of a fuzz input into numbers; zero when there are no more.
type fuzzInput struct{ data []byte }

func (d *fuzzInput) intn(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % n
}

var fuzzLadder = []string{large, xlarge, xlarge2, xlarge4}

func (d *fuzzInput) policy() scaling.Policy {
	down := 1 + d.intn(60)
	target := down + 1 + d.intn(20)
	minCount := 1 + d.intn(3)
	first := d.intn(len(fuzzLadder))
	p := newPolicy(withReaders(minCount, minCount+d.intn(4), fuzzLadder[first:first+1+d.intn(len(fuzzLadder)-first)]...))
	p.CPU = scaling.CPU{ScaleDown: down, Target: target, ScaleUp: target + 1 + d.intn(10)}
	p.Readers.Preference = []scaling.Preference{scaling.Cheapest, scaling.Vertical, scaling.Horizontal}[d.intn(3)]
	p.ScaleUp.Window = time.Duration(1+d.intn(200)) * 5 * time.Second
	p.ScaleDown.Window = time.Duration(1+d.intn(200)) * 30 * time.Second
	if d.intn(2) == 1 {
		p.Writer = &scaling.WriterLimits{InstanceClasses: fuzzLadder[:1+d.intn(len(fuzzLadder))]}
	}
	if d.intn(4) == 3 {
		p.Readers = nil
	}
	p.PredictiveScaling = scaling.PredictiveScaling{Trend: d.intn(2) == 1, History: d.intn(2) == 1}
	p.Guardrails.MaxStepFactor = d.intn(6)
	return p
}

func (d *fuzzInput) observation() scaling.Observation {
	classes := append([]string{"db.r5.large", "db.r5.12xlarge"}, fuzzLadder...)
	var instances []scaling.Instance
	for n := range 1 + d.intn(6) {
		class := classes[d.intn(len(classes))]
		i := []func(string, string, scaling.Series) scaling.Instance{foreignReader, ownReader, ownReader, surgeReader}[d.intn(4)](
			string(rune('a'+n)), class, d.samples())
		i.Writer = n == 0
		switch d.intn(8) {
		case 1:
			i.FreeableMemory = scaling.Series{}
		case 2:
			i.Connections = fiveMinuteSeries(float64(d.intn(256)) * 20)
		case 3:
			i.DBLoadCPU = d.samples()
		case 5:
			i.IO = scaling.IO{}
		case 6:
			i.IO.CacheHitRatio = fiveMinuteSeries(float64(95 + d.intn(6)))
		case 4:
			samples := scaling.NewSeriesBuffer(time.Minute)
			for at, percent := range i.CPU.All() {
				samples.Add(at, percent)
			}
			samples.Add(now, math.NaN())
			samples.Add(now.Add(-time.Hour), -5)
			i.CPU = samples.Series()
		}
		instances = append(instances, i)
	}
	o := newObservation(instances...)
	if d.intn(4) == 3 {
		o.ReadersChangedAt = now.Add(-time.Duration(d.intn(60)) * 30 * time.Second)
	}
	return o
}

// samples is a base load with a few minutes that differ or are missing.
func (d *fuzzInput) samples() scaling.Series {
	percents := repeated(float64(d.intn(101)), 115) // more than the longest window
	for range d.intn(4) {
		percents[len(percents)-1-d.intn(len(percents))] = float64(d.intn(102) - 1) // -1 is a gap
	}
	for n := range max(0, d.intn(12)-6) { // published late
		percents[len(percents)-1-n] = gap
	}
	return samplesUntil(newestMinute.Add(time.Minute), percents...)
}

// withMoreLoad adds load in every minute, up to 100 %.
func withMoreLoad(o scaling.Observation, percent float64) scaling.Observation {
	o.Instances = slices.Clone(o.Instances)
	for n := range o.Instances {
		o.Instances[n].CPU = withValues(o.Instances[n].CPU, func(_ int, v float64) float64 { return min(100, v+percent) })
	}
	return o
}

func FuzzEvaluate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{34, 19, 0, 3, 0, 3, 14, 0, 35, 59, 1, 3, 0, 2, 0, 2, 1, 90, 0, 2, 1, 90, 0}) // two hot readers
	f.Add([]byte{34, 19, 0, 3, 0, 3, 14, 0, 35, 59, 1, 3, 0, 2, 3, 2, 1, 9, 0, 3, 1, 9, 0})   // two idle readers
	f.Add([]byte{34, 19, 2, 3, 0, 3, 14, 1, 35, 59, 0, 0, 0, 1, 3, 2, 3, 100, 1, 5, 0})       // below the minimum, with a gap
	for seed := range uint64(500) {
		// An ordinary run uses these seeds.
		random := rand.New(rand.NewPCG(seed, 0))
		data := make([]byte, 100)
		for n := range data {
			data[n] = byte(random.UintN(256))
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &fuzzInput{data}
		p, o := d.policy(), d.observation()
		more := float64(d.intn(50))
		names := identifiers(o)

		got := Evaluate(p, o, now)
		if again := Evaluate(p, o, now); !reflect.DeepEqual(got, again) {
			t.Errorf("the same input gave two decisions: %+v and %+v", got, again)
		}
		if !slices.Equal(names, identifiers(o)) {
			t.Errorf("the observation was changed: %v became %v", names, identifiers(o))
		}
		if (len(got.Proposals) == 0) != (got.Hold.Reason != "" && got.Hold.Message != "") {
			t.Errorf("%d proposals, and the hold is %q", len(got.Proposals), got.Hold)
		}
		for _, proposal := range got.Proposals {
			if violation := violatedRule(p, o, proposal); violation != "" {
				t.Errorf("%s: %s → %s (%s): %s", proposal.Reason, proposal.From, proposal.To, proposal.Cause, violation)
			}
		}
		p.PredictiveScaling.Trend = false // more load saturates, and a saturated load has no trend
		for _, proposal := range Evaluate(p, o, now).Proposals {
			if proposal.Reason == scaling.ReasonScaleUp {
				checkNotSmaller(t, proposal, Evaluate(p, withMoreLoad(o, more), now))
			}
		}
	})
}

func identifiers(o scaling.Observation) []string {
	var names []string
	for _, i := range o.Instances {
		names = append(names, i.Identifier)
	}
	return names
}

// violatedRule says which rule a proposal breaks; empty for none. It recomputes everything.
func violatedRule(p scaling.Policy, o scaling.Observation, proposal scaling.Proposal) string {
	before, foreign := 0.0, 0
	for _, i := range o.PoolInstances(proposal.Pool) {
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return err.Error()
		}
		before += class.VCPU
		if !i.CreatedByOperator() {
			foreign++
		}
	}
	if proposal.Direction == scaling.Cleanup {
		if proposal.Pool != scaling.Readers || proposal.To.Count >= proposal.From.Count || proposal.To.Count < max(1, foreign) {
			return "a cleanup removes only readers created by the operator, and leaves one"
		}
		return ""
	}
	class, err := catalog.Lookup(proposal.To.InstanceClass)
	if err != nil {
		return err.Error()
	}
	after := float64(proposal.To.Count) * class.VCPU
	var classes []string
	minCount, maxCount := 1, 1
	if proposal.Pool == scaling.Readers {
		classes, minCount, maxCount = p.Readers.InstanceClasses, max(p.Readers.Min, foreign), p.Readers.Max
	} else {
		classes = p.Writer.InstanceClasses
	}
	switch {
	case !slices.Contains(classes, proposal.To.InstanceClass), proposal.To.Count < minCount, proposal.To.Count > maxCount:
		return fmt.Sprintf("outside %d to %d of %v", minCount, maxCount, classes)
	case proposal.Reason == scaling.ReasonBelowMinimum && (after < before || proposal.From.Count >= p.Readers.Min):
		return fmt.Sprintf("from %.0f to %.0f vCPU and from %d readers", before, after, proposal.From.Count)
	case proposal.Reason == scaling.ReasonScaleUp && after <= before:
		return fmt.Sprintf("up from %.0f to %.0f vCPU", before, after)
	case proposal.Direction == scaling.Down && after >= before:
		return fmt.Sprintf("down from %.0f to %.0f vCPU", before, after)
	case p.Guardrails.MaxStepFactor > 0 && before > 0 && (after > float64(p.Guardrails.MaxStepFactor)*before || after*float64(p.Guardrails.MaxStepFactor) < before):
		return fmt.Sprintf("from %.0f to %.0f vCPU is too far", before, after)
	case proposal.Direction == scaling.Down:
		return unsafeDown(p, o, proposal.Pool, after)
	}
	return ""
}

// unsafeDown says what makes a scale-down unsafe, minute by minute from the newest that every instance has published.
func unsafeDown(p scaling.Policy, o scaling.Observation, pool scaling.Pool, vcpus float64) string {
	last := newestMinute
	for _, i := range o.PoolInstances(pool) {
		newest, known := i.CPU.NewestSample()
		if !known {
			return i.Identifier + " has no sample at all"
		}
		if newest.Time.Before(last) {
			last = newest.Time
		}
	}
	if now.Sub(last) > 4*time.Minute {
		return fmt.Sprintf("nothing was published since %s", last)
	}
	window := int((p.ScaleDown.Window + time.Minute - 1) / time.Minute)
	missing, inARow := 0, 0
	for n := range window {
		at := last.Add(-time.Duration(n) * time.Minute)
		demand, reported, problem := demandAt(o, pool, at)
		if problem != "" {
			return problem
		}
		if size := len(o.PoolInstances(pool)); reported < size {
			if missing++; n == 0 || n == window-1 {
				return fmt.Sprintf("a sample is missing at %s, the end of the window", at)
			}
			if inARow++; inARow > 3 {
				return fmt.Sprintf("samples are missing for %d minutes from %s on", inARow, at)
			}
			demand *= float64(size) / max(1, float64(reported))
		} else {
			inARow = 0
		}
		if 100*demand > float64(p.CPU.Target)*vcpus+0.001 {
			return fmt.Sprintf("demand of %.1f vCPU at %s does not fit", demand, at)
		}
	}
	if 100*missing > 2*window {
		return fmt.Sprintf("samples are missing in %d of %d minutes", missing, window)
	}
	return ""
}

// demandAt is the demand of the instances that have a sample of a minute, and how many have one; or what forbids a scale-down.
func demandAt(o scaling.Observation, pool scaling.Pool, at time.Time) (demand float64, reported int, problem string) {
	for _, i := range o.PoolInstances(pool) {
		percent, known := i.CPU.ValueAt(at)
		class, err := catalog.Lookup(i.Class)
		switch {
		case err != nil:
			return 0, 0, err.Error()
		case at.Before(o.ChangedAt(pool).Add(WarmUp)):
			return 0, 0, fmt.Sprintf("%s is before the pool last changed", at)
		case !known:
			continue
		case percent >= SaturationPercent:
			return 0, 0, fmt.Sprintf("%s was saturated at %s", i.Identifier, at)
		}
		reported++
		demand += percent / 100 * float64(class.VCPU)
	}
	return demand, reported, ""
}

// checkNotSmaller checks that a pool does not become smaller with more load.
func checkNotSmaller(t *testing.T, less scaling.Proposal, more scaling.Decision) {
	t.Helper()
	for _, proposal := range more.Proposals {
		if proposal.Pool != less.Pool {
			continue
		}
		if proposal.Reason != scaling.ReasonScaleUp || vcpus(t, proposal.To) < vcpus(t, less.To) {
			t.Errorf("%s → %s with more load (%s), %s → %s with less (%s)", proposal.From, proposal.To, proposal.Cause, less.From, less.To, less.Cause)
		}
		return
	}
	t.Errorf("%s → %s, and no proposal with more load: %s", less.From, less.To, more.Hold.Message)
}
