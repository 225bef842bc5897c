package peer

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

// gap stands for a minute that is missing.
const gap = -1

// flat is n minutes of the same.
func flat(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }

// join puts minutes behind each other.
func join(parts ...[]float64) []float64 { return slices.Concat(parts...) }

// minutes is a series whose last value is of the minute that ends at the end.
func minutes(end time.Time, values []float64) scaling.Series {
	var s scaling.Series
	for n, v := range values {
		if v != gap {
			s = append(s, scaling.Sample{Time: end.Add(time.Duration(n-len(values)) * time.Minute), Value: v})
		}
	}
	return s
}

// step is one look, at a time since the start. CPU is both the pool's and the busiest instance's, unless that is given.
type step struct {
	name    string
	at      time.Duration
	cpu     []float64
	hottest []float64
	late    time.Duration // how long ago the newest minute ended
	running float64
	rung    int
	busy    bool
	changed time.Duration // zero for never
	want    int
}

// play is steps that one rule takes after each other.
type play struct {
	name   string
	ladder []float64
	steps  []step
}

func run(t *testing.T, fresh func() Rule, plays []play) {
	t.Helper()
	for _, p := range plays {
		t.Run(p.name, func(t *testing.T) {
			rule := fresh()
			for _, s := range p.steps {
				v := View{Now: start.Add(s.at), Running: s.running, Ladder: p.ladder, Rung: s.rung, Busy: s.busy}
				v.CPU = minutes(v.Now.Add(-s.late), s.cpu)
				v.Hottest = v.CPU
				if s.hottest != nil {
					v.Hottest = minutes(v.Now.Add(-s.late), s.hottest)
				}
				if s.changed != 0 {
					v.Changed = start.Add(s.changed)
				}
				if got := rule.Look(v); got != s.want {
					t.Errorf("%s (%s): rung %d, want %d", s.name, s.at, got, s.want)
				}
			}
		})
	}
}

func TestAll(t *testing.T) {
	want := []struct {
		id    string
		means Means
		every time.Duration
		delay time.Duration
	}{
		{"aurora-h3", Readers, time.Minute, 0},
		{"aurora-h5", Readers, time.Minute, 0},
		{"atlas", Classes, time.Minute, 0},
		{"hpa", Seamless, 15 * time.Second, time.Minute},
		{"neon", Seamless, 10 * time.Second, 0},
		{"spanner-autoscaler", Seamless, time.Minute, time.Minute},
		{"cloud-spanner-linear", Seamless, 2 * time.Minute, time.Minute},
		{"alarm-lambda", Classes, 5 * time.Minute, 0},
		{"clickhouse", Seamless, time.Minute, 5 * time.Minute},
		{"das", Classes, time.Minute, 0},
	}
	all := All()
	if len(all) != len(want) {
		t.Fatalf("%d peers, want %d", len(all), len(want))
	}
	for n, p := range all {
		w := want[n]
		if p.ID != w.id || p.Means != w.means || p.Every != w.every || p.Delay != w.delay {
			t.Errorf("%d: %s %s every %s, delay %s, want %v", n, p.ID, p.Means, p.Every, p.Delay, w)
		}
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(p.ID) || p.Name == "" || p.Source == "" || p.Reach <= 0 {
			t.Errorf("%d: incomplete: %+v", n, p)
		}
	}
}

// Whatever a rule sees, it wants a rung that there is, and while a change is under way it wants what is there.
func TestWithinTheLadder(t *testing.T) {
	for _, p := range All() {
		t.Run(p.ID, func(t *testing.T) {
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 1))
				each := float64(1 + r.IntN(8))
				ladder := make([]float64, 1+r.IntN(6)*int(seed%2)) // every other with one rung
				for n := range ladder {
					ladder[n] = each * float64(n+1+int(seed%3))
				}
				wander(t, p, r, ladder)
			}
		})
	}
}

// wander lets a rule look at a load that jumps about, has holes and ends, and does what it wants.
func wander(t *testing.T, p Peer, r *rand.Rand, ladder []float64) {
	t.Helper()
	rule := p.New()
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
		v := View{Now: now, CPU: s[s.IndexFrom(now.Add(-p.Reach)):], Ladder: ladder, Rung: rung, Busy: busy, Changed: changed}
		v.Hottest, v.Running = v.CPU, level/100*ladder[rung]*(0.5+r.Float64())
		got := rule.Look(v)
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
func TestNoSamples(t *testing.T) {
	for _, p := range All() {
		for _, ladder := range [][]float64{{4}, {4, 8, 16}} {
			rule := p.New()
			v := View{Now: start, Ladder: ladder, Rung: len(ladder) - 1, Running: math.NaN()}
			want := v.Rung
			if p.ID == "cloud-spanner-linear" {
				want = 0
			}
			for range 3 {
				if got := rule.Look(v); got != want {
					t.Errorf("%s on %v: rung %d, want %d", p.ID, ladder, got, want)
				}
				v.Now = v.Now.Add(49 * time.Hour)
			}
		}
	}
}

func TestNewest(t *testing.T) {
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
		{"a hole within", []float64{1, 2, gap, 4}, 0, 3, nil},
		{"a hole before", []float64{1, gap, 2, 3, 4}, 0, 3, []float64{2, 3, 4}},
		{"not a number within", []float64{1, 2, math.NaN(), 4}, 0, 3, nil},
		{"not a number at the end is not published", []float64{1, 2, 3, math.NaN()}, 0, 3, []float64{1, 2, 3}},
		{"begun 5 min ago", []float64{1, 2, 3}, 4 * time.Minute, 3, []float64{1, 2, 3}},
		{"begun 5 min and a second ago", []float64{1, 2, 3}, 4*time.Minute + time.Second, 3, nil},
		{"none", nil, 0, 1, nil},
	} {
		var got []float64
		for _, s := range newest(minutes(now.Add(-c.late), c.values), now, c.n) {
			got = append(got, s.Value)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// The crest knows the highest of each window, as if it had kept everything, and keeps little.
func TestCrest(t *testing.T) {
	const window = 50 * time.Minute
	r := rand.New(rand.NewPCG(7, 7))
	var c crest
	var all scaling.Series
	for n := range 5000 {
		at := start.Add(time.Duration(n) * time.Minute)
		value := float64(r.IntN(100))
		if n > 2000 && n < 3000 { // falling: each one is kept
			value = float64(10000 - n)
		}
		c.forget(at.Add(-window))
		c.add(at, value)
		all = append(all, scaling.Sample{Time: at, Value: value})
		for _, back := range []time.Duration{0, 7 * time.Minute, window} {
			want := 0.0
			for _, s := range all[all.IndexFrom(at.Add(-back)):] {
				want = max(want, s.Value)
			}
			if got, ok := c.since(at.Add(-back)); !ok || got != want {
				t.Fatalf("minute %d, %s back: %v, want %v", n, back, got, want)
			}
		}
	}
	if cap(c.kept) > 256 {
		t.Errorf("kept room for %d values of a window of 51", cap(c.kept))
	}
	c.forget(start.Add(10000 * time.Minute))
	if v, ok := c.since(start); ok {
		t.Errorf("%v is left", v)
	}
}

// day is a view of each minute of two days, of a load that swings.
func day(p Peer) []View {
	var s scaling.Series
	var views []View
	for m := range 2 * 24 * 60 {
		now := start.Add(time.Duration(m+1) * time.Minute)
		cpu := 50 + 40*math.Sin(float64(m)/200) + float64(m%7)
		s = append(s, scaling.Sample{Time: now.Add(-time.Minute), Value: cpu})
		v := View{Now: now, CPU: s[s.IndexFrom(now.Add(-p.Reach)):], Ladder: []float64{4, 8, 16, 32}, Rung: 1, Running: cpu / 100 * 8}
		v.Hottest = v.CPU
		views = append(views, v)
	}
	return views
}

// A look at the next minute asks for no memory, once what the rule keeps has found its size.
func TestLookAllocatesNothing(t *testing.T) {
	for _, p := range All() {
		views, rule, n := day(p), p.New(), 0
		look := func() {
			rule.Look(views[n])
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

func BenchmarkLook(b *testing.B) {
	for _, p := range All() {
		b.Run(p.ID, func(b *testing.B) {
			views, rule, n := day(p), p.New(), 0
			b.ReportAllocs()
			for b.Loop() {
				if n == len(views) {
					rule, n = p.New(), 0
				}
				rule.Look(views[n])
				n++
			}
		})
	}
}
