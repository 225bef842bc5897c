// Package workload generates loads that resemble those of databases, from a seed. The same seed gives the same load.
package workload

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/recording"
)

// Generator generates loads of one kind.
type Generator struct {
	Name string
	// Description describes the load in one line.
	Description string
	// Kind says what can be expected of an autoscaler under the load.
	Kind Kind
	// Days is the length of the load.
	Days int
	// newDemand draws the parameters and returns the demand in vCPUs at a time.
	newDemand func(*rand.Rand) func(hours float64) float64
}

// Kind is the kind of a load.
type Kind string

// The kinds of load.
const (
	// Smooth loads change slowly or seldom, so that an autoscaler can be in time.
	Smooth Kind = "smooth"
	// Bursty loads rise to a multiple within minutes.
	Bursty Kind = "bursty"
)

// Days is the length of most loads. The month's end needs more.
const Days = 21

// start is the start of each load, a Monday.
var start = time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)

// All lists the generators.
func All() []Generator { return append(smoothAndDailyGenerators(), burstyGenerators()...) }

// smoothAndDailyGenerators are the smooth loads, and the bursty ones that follow a daily cycle. The demand of each is about 1 to 12 vCPUs,
// mostly 2 to 6.
func smoothAndDailyGenerators() []Generator {
	return []Generator{
		{"diurnal", "a daily cycle with a peak in working hours", Smooth, Days, func(r *rand.Rand) func(float64) float64 {
			low, high, peak := randomBetween(r, 1, 2), randomBetween(r, 4, 8), randomBetween(r, 10, 16)
			return func(h float64) float64 { return low + (high-low)*dailyShare(h, peak) }
		}},
		{"weekly", "busy on workdays and quiet at weekends", Smooth, Days, func(r *rand.Rand) func(float64) float64 {
			low, high, weekend, peak := randomBetween(r, 1, 2), randomBetween(r, 4, 8), randomBetween(r, 0.2, 0.5), randomBetween(r, 10, 16)
			return func(h float64) float64 {
				share := 1.0
				if int(h/24)%7 >= 5 {
					share = weekend
				}
				return low + share*(high-low)*dailyShare(h, peak)
			}
		}},
		{"step", "constant for days, with sudden steps", Smooth, Days, func(r *rand.Rand) func(float64) float64 {
			levels, length := make([]float64, 12), randomBetween(r, 30, 70)
			for n := range levels {
				levels[n] = randomBetween(r, 1, 9)
			}
			return func(h float64) float64 { return levels[int(h/length)%len(levels)] }
		}},
		{"ramp", "rises for hours, falls for hours, and rests", Smooth, Days, func(r *rand.Rand) func(float64) float64 {
			low, high, up, rest := randomBetween(r, 1, 2), randomBetween(r, 6, 10), randomBetween(r, 3, 10), randomBetween(r, 10, 30)
			return func(h float64) float64 {
				phase := math.Mod(h, 2*up+rest)
				return low + (high-low)*max(0, min(phase/up, 2-phase/up, 1))
			}
		}},
		{"flash", "a daily cycle with occasional crowds that arrive within minutes", Bursty, Days, func(r *rand.Rand) func(float64) float64 {
			low, high, peak := randomBetween(r, 1, 2), randomBetween(r, 3, 5), randomBetween(r, 10, 16)
			crowds, heights := make([]float64, 8), make([]float64, 8)
			for n := range crowds {
				crowds[n], heights[n] = randomBetween(r, 24, Days*24-6), randomBetween(r, 2, 6)
			}
			return func(h float64) float64 {
				load := low + (high-low)*dailyShare(h, peak)
				for n, at := range crowds {
					const rise, fall = 0.15, 1.5 // hours
					switch since := h - at; {
					case since < 0:
					case since < rise:
						load += heights[n] * since / rise
					default:
						load += heights[n] * math.Exp(-(since-rise)/fall)
					}
				}
				return load
			}
		}},
		{"batch", "a job at the same hours of each night, and quiet days", Bursty, Days, func(r *rand.Rand) func(float64) float64 {
			low, job, startHour, length := randomBetween(r, 1, 2), randomBetween(r, 4, 8), randomBetween(r, 0, 5), randomBetween(r, 1, 3)
			return func(h float64) float64 {
				if hour := math.Mod(h, 24); hour >= startHour && hour < startHour+length {
					return low + job
				}
				return low + 0.5*dailyShare(h, 13)
			}
		}},
		{"noise", "no pattern: a wandering mean with much noise", Smooth, Days, func(r *rand.Rand) func(float64) float64 {
			steps := make([]float64, Days*24+1)
			level := randomBetween(r, 2, 5)
			for n := range steps {
				level += 0.1*(4-level) + 0.6*r.NormFloat64()
				steps[n] = max(0.5, min(level, 10))
			}
			return func(h float64) float64 {
				n := min(int(h), len(steps)-2)
				return steps[n] + (steps[n+1]-steps[n])*(h-float64(n))
			}
		}},
	}
}

// Generate generates a load in vCPUs, one value a minute.
func (g Generator) Generate(seed uint64) *recording.Recording {
	random := rand.New(rand.NewPCG(seed, uint64(len(g.Name))<<8+uint64(g.Name[0])))
	demandAt := g.newDemand(random)
	noise := 0.03
	if g.Name == "noise" {
		noise = 0.1
	}
	out := &recording.Recording{Start: start, Interval: time.Minute, Demand: make([]float64, g.Days*24*60)}
	for n := range out.Demand {
		out.Demand[n] = max(0.05, demandAt(float64(n)/60)*(1+noise*random.NormFloat64()))
	}
	return out
}

// dailyShare is the share of the daily peak at a time, from 0 to 1. The peak is an hour of the day.
func dailyShare(hours, peak float64) float64 {
	x := (1 + math.Cos((hours-peak)/24*2*math.Pi)) / 2
	return x * x
}

func randomBetween(r *rand.Rand, minimum, maximum float64) float64 {
	return minimum + (maximum-minimum)*r.Float64()
}
