package baseline

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

var start = time.Date(2025, time.March, 1, 0, 0, 0, 0, time.UTC)

// missing stands for a minute without a sample.
const missing = -1

// repeat has the same value for n minutes.
func repeat(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }

// concat joins the parts.
func concat(parts ...[]float64) []float64 { return slices.Concat(parts...) }

// newSeries has one value a minute. The last value is of the minute that ends at end.
func newSeries(end time.Time, values []float64) scaling.Series {
	return scaling.NewSeries(time.Minute, end.Add(-time.Duration(len(values))*time.Minute), values...)
}

// evaluation is one call of a rule. Times are since start.
type evaluation struct {
	name             string
	after            time.Duration
	cpu              []float64     // of the pool, percent, one value a minute
	hottest          []float64     // of the busiest instance; the same as cpu if empty
	sampleAge        time.Duration // since the end of the newest minute
	runningVCPUs     float64
	index            int
	changeInProgress bool
	changedAfter     time.Duration // zero for never
	wantIndex        int
}

// sequence is a series of evaluations of one rule.
type sequence struct {
	name        string
	ladder      []float64
	evaluations []evaluation
}

func runSequences(t *testing.T, newRule func() Rule, sequences []sequence) {
	t.Helper()
	for _, seq := range sequences {
		t.Run(seq.name, func(t *testing.T) {
			rule := newRule()
			for _, e := range seq.evaluations {
				o := Observation{
					Now: start.Add(e.after), RunningVCPUs: e.runningVCPUs, LadderVCPUs: seq.ladder, SizeIndex: e.index,
					ChangeInProgress: e.changeInProgress,
				}
				o.CPUPercent = newSeries(o.Now.Add(-e.sampleAge), e.cpu)
				o.HottestPercent = o.CPUPercent
				if e.hottest != nil {
					o.HottestPercent = newSeries(o.Now.Add(-e.sampleAge), e.hottest)
				}
				if e.changedAfter != 0 {
					o.ChangedAt = start.Add(e.changedAfter)
				}
				if got := rule.DesiredSizeIndex(o); got != e.wantIndex {
					t.Errorf("%s (%s): size %d, want %d", e.name, e.after, got, e.wantIndex)
				}
			}
		})
	}
}

func TestAll(t *testing.T) {
	wants := []struct {
		id       string
		method   Method
		interval time.Duration
		delay    time.Duration
	}{
		{"aurora-h3", MethodReaders, time.Minute, 0},
		{"aurora-h5", MethodReaders, time.Minute, 0},
		{"aws-predictive", MethodReaders, time.Minute, 0}, {"atlas", MethodClasses, time.Minute, 0},
		{"hpa", MethodSeamless, 15 * time.Second, time.Minute},
		{"neon", MethodSeamless, 10 * time.Second, 0},
		{"spanner-autoscaler", MethodSeamless, time.Minute, time.Minute},
		{"cloud-spanner-linear", MethodSeamless, 2 * time.Minute, time.Minute},
		{"alarm-lambda", MethodClasses, 5 * time.Minute, 0},
		{"clickhouse", MethodSeamless, time.Minute, 5 * time.Minute},
		{"das", MethodClasses, time.Minute, 0},
	}
	all := All()
	if len(all) != len(wants) {
		t.Fatalf("%d autoscalers, want %d", len(all), len(wants))
	}
	for n, a := range all {
		want := wants[n]
		if a.ID != want.id || a.Method != want.method || a.Interval != want.interval || a.ChangeDelay != want.delay {
			t.Errorf("%d: %s %s every %s, delay %s, want %v", n, a.ID, a.Method, a.Interval, a.ChangeDelay, want)
		}
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(a.ID) || a.Name == "" || a.Source == "" || a.Lookback <= 0 {
			t.Errorf("%d: incomplete: %+v", n, a)
		}
	}
}

// For any observation, a rule returns an existing size, and the current size while a change is in progress.
func TestDesiredSizeIndex_StaysOnLadder(t *testing.T) {
	for _, autoscaler := range All() {
		t.Run(autoscaler.ID, func(t *testing.T) {
			for seed := range uint64(20) {
				random := rand.New(rand.NewPCG(seed, 1))
				sizeVCPUs := float64(1 + random.IntN(8))
				ladder := make([]float64, 1+random.IntN(6)*int(seed%2)) // every other ladder has one size
				for n := range ladder {
					ladder[n] = sizeVCPUs * float64(n+1+int(seed%3))
				}
				runRandomLoad(t, autoscaler, random, ladder)
			}
		})
	}
}

// runRandomLoad evaluates a rule under a random load with missing minutes and long gaps, and carries out the changes that it
// requests.
func runRandomLoad(t *testing.T, autoscaler Autoscaler, random *rand.Rand, ladder []float64) {
	t.Helper()
	rule := autoscaler.NewRule()
	index := random.IntN(len(ladder))
	series := scaling.NewSeriesBuffer(time.Minute)
	level, desired := 50.0, 0
	var changed, done time.Time
	for minute := range 3 * 24 * 60 {
		now := start.Add(time.Duration(minute) * time.Minute)
		if random.IntN(40) == 0 {
			level = []float64{0, 5, 40, 62, 85, 100, math.NaN()}[random.IntN(7)]
		}
		if longGap := minute/300%4 == 3; !longGap && random.IntN(30) != 0 {
			series.Add(now.Add(-time.Minute), min(100, level+5*random.Float64()))
		}
		changing := now.Before(done)
		if !changing && !done.IsZero() {
			index, changed, done = desired, done, time.Time{}
		}
		o := Observation{
			Now: now, CPUPercent: series.Series().From(now.Add(-autoscaler.Lookback)), LadderVCPUs: ladder, SizeIndex: index,
			ChangeInProgress: changing, ChangedAt: changed,
		}
		o.HottestPercent, o.RunningVCPUs = o.CPUPercent, level/100*ladder[index]*(0.5+random.Float64())
		got := rule.DesiredSizeIndex(o)
		if got < 0 || got >= len(ladder) {
			t.Fatalf("minute %d: size %d of %d", minute, got, len(ladder))
		}
		if changing && got != index {
			t.Fatalf("minute %d: size %d during a change, want the current size %d", minute, got, index)
		}
		if got != index {
			desired, done = got, now.Add(time.Duration(1+random.IntN(8))*time.Minute)
		}
	}
}

// Without any sample nothing changes, except for the rule that is published to scale in to the smallest size.
func TestDesiredSizeIndex_WithoutSamples(t *testing.T) {
	for _, autoscaler := range All() {
		for _, ladder := range [][]float64{{4}, {4, 8, 16}} {
			rule := autoscaler.NewRule()
			o := Observation{Now: start, LadderVCPUs: ladder, SizeIndex: len(ladder) - 1, RunningVCPUs: math.NaN()}
			want := o.SizeIndex
			if autoscaler.ID == "cloud-spanner-linear" {
				want = 0
			}
			for range 3 {
				if got := rule.DesiredSizeIndex(o); got != want {
					t.Errorf("%s on %v: size %d, want %d", autoscaler.ID, ladder, got, want)
				}
				o.Now = o.Now.Add(49 * time.Hour)
			}
		}
	}
}

// newObservations are the observations of each minute of two days, under an oscillating load.
func newObservations(autoscaler Autoscaler) []Observation {
	series := scaling.NewSeriesBuffer(time.Minute)
	var observations []Observation
	for minute := range 2 * 24 * 60 {
		now := start.Add(time.Duration(minute+1) * time.Minute)
		cpu := 50 + 40*math.Sin(float64(minute)/200) + float64(minute%7)
		series.Add(now.Add(-time.Minute), cpu)
		o := Observation{
			Now: now, CPUPercent: series.Series().From(now.Add(-autoscaler.Lookback)), LadderVCPUs: []float64{4, 8, 16, 32}, SizeIndex: 1,
			RunningVCPUs: cpu / 100 * 8,
		}
		o.HottestPercent = o.CPUPercent
		observations = append(observations, o)
	}
	return observations
}

// An evaluation allocates no memory, once the rule's state has reached its size.
func TestDesiredSizeIndex_DoesNotAllocate(t *testing.T) {
	for _, autoscaler := range All() {
		observations, rule, n := newObservations(autoscaler), autoscaler.NewRule(), 0
		evaluate := func() {
			rule.DesiredSizeIndex(observations[n])
			n++
		}
		for range len(observations) / 2 {
			evaluate()
		}
		if got := testing.AllocsPerRun(len(observations)/2-2, evaluate); got != 0 {
			t.Errorf("%s: %v allocations", autoscaler.ID, got)
		}
	}
}

func BenchmarkDesiredSizeIndex(b *testing.B) {
	for _, autoscaler := range All() {
		b.Run(autoscaler.ID, func(b *testing.B) {
			observations, rule, n := newObservations(autoscaler), autoscaler.NewRule(), 0
			b.ReportAllocs()
			for b.Loop() {
				if n == len(observations) {
					rule, n = autoscaler.NewRule(), 0
				}
				rule.DesiredSizeIndex(observations[n])
				n++
			}
		})
	}
}
