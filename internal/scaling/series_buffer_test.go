package scaling

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// A buffer has the samples that a map has, whatever is added and dropped, and no series that it returned changes.
func TestSeriesBuffer_EqualsMap(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		b, want := NewSeriesBuffer(time.Minute), map[int]float64{}
		type snapshot struct {
			series  Series
			samples []Sample
		}
		var snapshots []snapshot
		for step := range 60 {
			oldest := 0
			if r.IntN(3) == 0 {
				oldest = step - r.IntN(40)
			}
			var fresh []Sample
			for range r.IntN(6) {
				minute, value := step+r.IntN(12)-8, float64(r.IntN(3)-1) // often equal to the one before, and a third is invalid
				fresh = append(fresh, Sample{testTime.Add(time.Duration(minute) * time.Minute), value})
				if minute < oldest {
					continue
				}
				if delete(want, minute); value >= 0 {
					want[minute] = value
				}
			}
			for minute := range want {
				if minute < oldest {
					delete(want, minute)
				}
			}
			b.Merge(testTime.Add(time.Duration(oldest)*time.Minute), fresh...)
			if r.IntN(2) == 0 {
				minute := step + r.IntN(3)
				b.Add(testTime.Add(time.Duration(minute)*time.Minute), 9)
				want[minute] = 9
			}
			s := b.Series()
			for at, v := range s.All() {
				if got, exists := want[int(at.Sub(testTime)/time.Minute)]; !exists || got != v {
					t.Fatalf("seed %d, step %d: %s has %g, want %g", seed, step, at, v, got)
				}
			}
			if s.Count() != len(want) || s.Len() > 0 && s.Start().IsZero() {
				t.Fatalf("seed %d, step %d: %d samples, want %d", seed, step, s.Count(), len(want))
			}
			snapshots = append(snapshots, snapshot{s, seriesSamples(s)})
			for _, earlier := range snapshots {
				if !slices.Equal(seriesSamples(earlier.series), earlier.samples) {
					t.Fatalf("seed %d, step %d: a series was changed from %v to %v", seed, step, earlier.samples, seriesSamples(earlier.series))
				}
			}
		}
	}
}

// New samples go behind those of the series that were returned, and what is appended to a part of a series does not meet them.
func TestSeriesBuffer_AppendsToTheSameArray(t *testing.T) {
	b := NewSeriesBuffer(time.Minute)
	b.Merge(time.Time{}, Sample{testTime, 1}, Sample{testTime.Add(time.Minute), 2})
	before := b.Series()
	b.Add(testTime.Add(2*time.Minute), 3)
	after := b.Series()
	if &before.values[0] != &after.values[0] || cap(before.values) != 2 || cap(after.values) != 3 || before.Len() != 2 {
		t.Errorf("%v and %v do not share an array, or have room behind their values", before, after)
	}
	b.Add(testTime.Add(time.Minute), 7)
	if changed := b.Series(); &before.values[0] == &changed.values[0] || before.values[1] != 2 || changed.values[1] != 7 {
		t.Errorf("a changed sample: %v and %v", before, changed)
	}
}

func TestNewSeriesBuffer_RefusesPartsOfMinutes(t *testing.T) {
	for _, period := range []time.Duration{0, -time.Minute, 30 * time.Second, 90 * time.Second} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a period of %s is accepted", period)
				}
			}()
			NewSeriesBuffer(period)
		}()
	}
}

// A day of one-minute samples that are read minute by minute, with an overlap, takes at most 4.6 bytes a sample, during the first day and
// after it. A sample took 32 bytes when it had a time.
func TestSeriesBuffer_MemoryOfADay(t *testing.T) {
	const (
		count     = 200
		retention = 25 * time.Hour
		limit     = 4.6
		day       = 24 * 60 // minutes
	)
	buffers := make([]SeriesBuffer, count)
	for n := range buffers {
		buffers[n] = NewSeriesBuffer(time.Minute)
	}
	heap := func() float64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return float64(stats.HeapAlloc)
	}
	empty := heap()
	fresh := make([]Sample, 10)
	for minute := range 4 * day {
		now := testTime.Add(time.Duration(minute) * time.Minute)
		for k := range fresh {
			at := now.Add(time.Duration(k-9) * time.Minute)
			fresh[k] = Sample{at, float64(at.Minute()) + 0.1}
		}
		for n := range buffers {
			buffers[n].Merge(now.Add(-retention), fresh...)
		}
		if minute < day-1 || minute%97 != 0 && minute != day-1 {
			continue
		}
		samples := buffers[0].Series().Count()
		perSample := (heap() - empty) / float64(count*samples)
		if perSample > limit || perSample < 4 {
			t.Fatalf("after %d minutes a sample takes %.2f bytes, want 4 to %.1f", minute, perSample, limit)
		}
		if minute > 4*day-97 || minute == day-1 {
			t.Logf("after %d minutes %d samples take %.2f bytes each", minute, samples, perSample)
		}
	}
	runtime.KeepAlive(buffers)
}

// BenchmarkSeriesBuffer_Merge is the read of a minute with its overlap.
func BenchmarkSeriesBuffer_Merge(b *testing.B) {
	buffer := NewSeriesBuffer(time.Minute)
	fresh := make([]Sample, 11)
	now := testTime
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Minute)
		for k := range fresh {
			fresh[k] = Sample{now.Add(time.Duration(k-10) * time.Minute), 50}
		}
		buffer.Merge(now.Add(-25*time.Hour), fresh...)
	}
}
