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

var start = time.Date(2025, time.March, 1, 0, 0, 0, 0, time.UTC)

// missing stands for a minute that is missing.
const missing = -1

// repeat is n minutes of the same.
func repeat(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }

// concat puts minutes behind each other.
func concat(parts ...[]float64) []float64 { return slices.Concat(parts...) }

// newSeries is a series whose last value is of the minute that ends at the end.
func newSeries(end time.Time, values []float64) scaling.Series {
	var s scaling.Series
	for n, v := range values {
		if v != missing {
			s = append(s, scaling.Sample{Time: end.Add(time.Duration(n-len(values)) * time.Minute), Value: v})
		}
	}
	return s
}

// evaluation is one look, at a time since the start. CPU is both the pool's and the busiest instance's, unless that is given.
type evaluation struct {
	name             string
	after            time.Duration
	cpu              []float64
	hottest          []float64
	sampleAge        time.Duration // how long ago the newest minute ended
	runningVCPUs     float64
	rung             int
	changeInProgress bool
	changedAfter     time.Duration // zero for never
	wantRung         int
}

// sequence is steps that one rule takes after each other.
type sequence struct {
	name        string
	ladder      []float64
	evaluations []evaluation
}

func runSequences(t *testing.T, fresh func() Rule, plays []sequence) {
	t.Helper()
	for _, p := range plays {
		t.Run(p.name, func(t *testing.T) {
			rule := fresh()
			for _, s := range p.evaluations {
				v := Observation{Now: start.Add(s.after), RunningVCPUs: s.runningVCPUs, LadderVCPUs: p.ladder, Rung: s.rung, ChangeInProgress: s.changeInProgress}
				v.CPUPercent = newSeries(v.Now.Add(-s.sampleAge), s.cpu)
				v.HottestPercent = v.CPUPercent
				if s.hottest != nil {
					v.HottestPercent = newSeries(v.Now.Add(-s.sampleAge), s.hottest)
				}
				if s.changedAfter != 0 {
					v.ChangedAt = start.Add(s.changedAfter)
				}
				if got := rule.DesiredRung(v); got != s.wantRung {
					t.Errorf("%s (%s): rung %d, want %d", s.name, s.after, got, s.wantRung)
				}
			}
		})
	}
}

func TestAll(t *testing.T) {
	want := []struct {
		id    string
		means Method
		every time.Duration
		delay time.Duration
	}{
		{"aurora-h3", MethodReaders, time.Minute, 0},
		{"aurora-h5", MethodReaders, time.Minute, 0},
		{"atlas", MethodClasses, time.Minute, 0},
		{"hpa", MethodSeamless, 15 * time.Second, time.Minute},
		{"neon", MethodSeamless, 10 * time.Second, 0},
		{"spanner-autoscaler", MethodSeamless, time.Minute, time.Minute},
		{"cloud-spanner-linear", MethodSeamless, 2 * time.Minute, time.Minute},
		{"alarm-lambda", MethodClasses, 5 * time.Minute, 0},
		{"clickhouse", MethodSeamless, time.Minute, 5 * time.Minute},
		{"das", MethodClasses, time.Minute, 0},
	}
	all := All()
	if len(all) != len(want) {
		t.Fatalf("%d peers, want %d", len(all), len(want))
	}
	for n, p := range all {
		w := want[n]
		if p.ID != w.id || p.Method != w.means || p.Interval != w.every || p.ChangeDelay != w.delay {
			t.Errorf("%d: %s %s every %s, delay %s, want %v", n, p.ID, p.Method, p.Interval, p.ChangeDelay, w)
		}
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(p.ID) || p.Name == "" || p.Source == "" || p.Lookback <= 0 {
			t.Errorf("%d: incomplete: %+v", n, p)
		}
	}
}

// Whatever a rule sees, it wants a rung that there is, and while a change is under way it wants what is there.
func TestDesiredRung_StaysOnLadder(t *testing.T) {
	for _, p := range All() {
		t.Run(p.ID, func(t *testing.T) {
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 1))
				each := float64(1 + r.IntN(8))
				ladder := make([]float64, 1+r.IntN(6)*int(seed%2)) // every other with one rung
				for n := range ladder {
					ladder[n] = each * float64(n+1+int(seed%3))
				}
				runRandomLoad(t, p, r, ladder)
			}
		})
	}
}

// runRandomLoad lets a rule look at a load that jumps about, has holes and ends, and does what it wants.
func runRandomLoad(t *testing.T, p Autoscaler, r *rand.Rand, ladder []float64) {
	t.Helper()
	rule := p.NewRule()
	rung := r.IntN(len(ladder))
	var s scaling.Series
	level, wanted := 50.0, 0
	var changed, done time.Time
	for m := range 3 * 24 * 60 {
		now := start.Add(time.Duration(m) * time.Minute)
		if r.IntN(40) == 0 {
			level = []float64{0, 5, 40, 62, 85, 100, math.NaN()}[r.IntN(7)]
		}
		if silent := m/300%4 == 3; !silent && r.IntN(30) != 0 {
			s = append(s, scaling.Sample{Time: now.Add(-time.Minute), Value: min(100, level+5*r.Float64())})
		}
		busy := now.Before(done)
		if !busy && !done.IsZero() {
			rung, changed, done = wanted, done, time.Time{}
		}
		v := Observation{Now: now, CPUPercent: s[s.IndexFrom(now.Add(-p.Lookback)):], LadderVCPUs: ladder, Rung: rung, ChangeInProgress: busy, ChangedAt: changed}
		v.HottestPercent, v.RunningVCPUs = v.CPUPercent, level/100*ladder[rung]*(0.5+r.Float64())
		got := rule.DesiredRung(v)
		if got < 0 || got >= len(ladder) {
			t.Fatalf("minute %d: rung %d of %d", m, got, len(ladder))
		}
		if busy && got != rung {
			t.Fatalf("minute %d: wants rung %d instead of %d while busy", m, got, rung)
		}
		if got != rung {
			wanted, done = got, now.Add(time.Duration(1+r.IntN(8))*time.Minute)
		}
	}
}

// Without any sample nothing moves, except where the rule is published to fail unsafe.
func TestDesiredRung_WithoutSamples(t *testing.T) {
	for _, p := range All() {
		for _, ladder := range [][]float64{{4}, {4, 8, 16}} {
			rule := p.NewRule()
			v := Observation{Now: start, LadderVCPUs: ladder, Rung: len(ladder) - 1, RunningVCPUs: math.NaN()}
			want := v.Rung
			if p.ID == "cloud-spanner-linear" {
				want = 0
			}
			for range 3 {
				if got := rule.DesiredRung(v); got != want {
					t.Errorf("%s on %v: rung %d, want %d", p.ID, ladder, got, want)
				}
				v.Now = v.Now.Add(49 * time.Hour)
			}
		}
	}
}

func TestNewestMinutes(t *testing.T) {
	now := start.Add(time.Hour)
	for _, c := range []struct {
		name   string
		values []float64
		late   time.Duration
		n      int
		want   []float64
	}{
		{"three", []float64{1, 2, 3, 4}, 0, 3, []float64{2, 3, 4}},
		{"too few", []float64{3, 4}, 0, 3, nil},
		{"a hole within", []float64{1, 2, missing, 4}, 0, 3, nil},
		{"a hole before", []float64{1, missing, 2, 3, 4}, 0, 3, []float64{2, 3, 4}},
		{"not a number within", []float64{1, 2, math.NaN(), 4}, 0, 3, nil},
		{"not a number at the end is not published", []float64{1, 2, 3, math.NaN()}, 0, 3, []float64{1, 2, 3}},
		{"begun 5 min ago", []float64{1, 2, 3}, 4 * time.Minute, 3, []float64{1, 2, 3}},
		{"begun 5 min and a second ago", []float64{1, 2, 3}, 4*time.Minute + time.Second, 3, nil},
		{"none", nil, 0, 1, nil},
	} {
		var got []float64
		for _, s := range newestMinutes(newSeries(now.Add(-c.late), c.values), now, c.n) {
			got = append(got, s.Value)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// The crest knows the highest of each window, as if it had kept everything, and keeps little.
func TestWindowMaximum(t *testing.T) {
	const window = 50 * time.Minute
	r := rand.New(rand.NewPCG(7, 7))
	var c windowMaximum
	var all scaling.Series
	for n := range 5000 {
		at := start.Add(time.Duration(n) * time.Minute)
		value := float64(r.IntN(100))
		if n > 2000 && n < 3000 { // falling: each one is kept
			value = float64(10000 - n)
		}
		c.dropBefore(at.Add(-window))
		c.add(at, value)
		all = append(all, scaling.Sample{Time: at, Value: value})
		for _, back := range []time.Duration{0, 7 * time.Minute, window} {
			want := 0.0
			for _, s := range all[all.IndexFrom(at.Add(-back)):] {
				want = max(want, s.Value)
			}
			if got, ok := c.maxSince(at.Add(-back)); !ok || got != want {
				t.Fatalf("minute %d, %s back: %v, want %v", n, back, got, want)
			}
		}
	}
	if cap(c.samples) > 256 {
		t.Errorf("kept room for %d values of a window of 51", cap(c.samples))
	}
	c.dropBefore(start.Add(10000 * time.Minute))
	if v, ok := c.maxSince(start); ok {
		t.Errorf("%v is left", v)
	}
}

// newDayOfObservations is a view of each minute of two days, of a load that swings.
func newDayOfObservations(p Autoscaler) []Observation {
	var s scaling.Series
	var views []Observation
	for m := range 2 * 24 * 60 {
		now := start.Add(time.Duration(m+1) * time.Minute)
		cpu := 50 + 40*math.Sin(float64(m)/200) + float64(m%7)
		s = append(s, scaling.Sample{Time: now.Add(-time.Minute), Value: cpu})
		v := Observation{Now: now, CPUPercent: s[s.IndexFrom(now.Add(-p.Lookback)):], LadderVCPUs: []float64{4, 8, 16, 32}, Rung: 1, RunningVCPUs: cpu / 100 * 8}
		v.HottestPercent = v.CPUPercent
		views = append(views, v)
	}
	return views
}

// A look at the next minute asks for no memory, once what the rule keeps has found its size.
func TestDesiredRung_DoesNotAllocate(t *testing.T) {
	for _, p := range All() {
		views, rule, n := newDayOfObservations(p), p.NewRule(), 0
		look := func() {
			rule.DesiredRung(views[n])
			n++
		}
		for range len(views) / 2 {
			look()
		}
		if got := testing.AllocsPerRun(len(views)/2-2, look); got != 0 {
			t.Errorf("%s: %v allocations", p.ID, got)
		}
	}
}

func BenchmarkDesiredRung(b *testing.B) {
	for _, p := range All() {
		b.Run(p.ID, func(b *testing.B) {
			views, rule, n := newDayOfObservations(p), p.NewRule(), 0
			b.ReportAllocs()
			for b.Loop() {
				if n == len(views) {
					rule, n = p.NewRule(), 0
				}
				rule.DesiredRung(views[n])
				n++
			}
		})
	}
}
