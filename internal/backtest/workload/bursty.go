package workload

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// monthEndDays is the length of the load with work at month's end: two ends of months, 27 and 57 days after the start.
const monthEndDays = 62

// burst is a rise of the demand: linear to its height, constant, and as fast down as up. Times are in hours.
type burst struct{ start, rise, length, height float64 }

// at is the additional demand at a time, in vCPUs. length counts from the start of the rise to the start of the fall.
func (b burst) at(hours float64) float64 {
	since := hours - b.start
	return b.height * max(0, min(since/b.rise, 1, (b.length+b.rise-since)/b.rise))
}

// sumBursts is the additional demand of bursts, which are sorted by their start, at a time. It assumes that no burst is longer than a day.
func sumBursts(bursts []burst, hours float64) float64 {
	first, _ := slices.BinarySearchFunc(bursts, hours-24, func(b burst, t float64) int { return cmp.Compare(b.start, t) })
	total := 0.0
	for _, b := range bursts[first:] {
		if b.start > hours {
			break
		}
		total += b.at(hours)
	}
	return total
}

// randomMinutes draws a number of minutes, in hours.
func randomMinutes(r *rand.Rand, minimum, maximum float64) float64 {
	return randomBetween(r, minimum, maximum) / 60
}

// burstyGenerators are loads that rise to a multiple within minutes, at times that mostly cannot be foreseen.
func burstyGenerators() []Generator {
	return []Generator{
		{"bursts", "3 to 10 times the demand for 15 to 90 minutes, 2 to 20 times a week at random", Bursty, Days, newRandomBursts},
		{"nightly", "a job each night that begins at another minute between midnight and five o'clock", Bursty, Days, newNightlyJobs},
		{"hourly", "jobs of 5 to 25 minutes that begin on the hour, higher every sixth hour", Bursty, Days, newHourlyJobs},
		{"monthend", "a daily cycle, and hours of work on the last and the first day of each month", Bursty, monthEndDays, newMonthEnd},
		{"growth", "a daily cycle that grows by 5 % a day", Bursty, Days, newGrowth},
		{"upgrade", "a daily cycle whose queries become 1.5 to 2.5 times as expensive in the middle", Bursty, Days, newUpgrade},
		{"retries", "a daily cycle with outages in front of the database, and a storm of retries after each", Bursty, Days, newRetryStorms},
	}
}

func newRandomBursts(r *rand.Rand) func(float64) float64 {
	low, high, peak := randomBetween(r, 1, 2), randomBetween(r, 2, 3), randomBetween(r, 10, 16)
	count := int(math.Round(Days / 7 * randomBetween(r, 2, 20)))
	bursts := make([]burst, count)
	for n := range bursts {
		start := randomBetween(r, 24, Days*24-3)
		base := low + (high-low)*dailyShare(start, peak)
		bursts[n] = burst{start, randomMinutes(r, 2, 10), randomMinutes(r, 15, 90), base * (randomBetween(r, 3, 10) - 1)}
	}
	slices.SortFunc(bursts, func(a, b burst) int { return cmp.Compare(a.start, b.start) })
	for n := 1; n < len(bursts); n++ { // bursts do not overlap, or they would be higher than ten times the demand
		if end := bursts[n-1].start + bursts[n-1].length + bursts[n-1].rise; bursts[n].start < end {
			bursts[n].start = end
		}
	}
	return func(h float64) float64 { return low + (high-low)*dailyShare(h, peak) + sumBursts(bursts, h) }
}

func newNightlyJobs(r *rand.Rand) func(float64) float64 {
	low, job := randomBetween(r, 1, 2), randomBetween(r, 6, 14)
	jobs := make([]burst, Days)
	for day := range jobs {
		startAt := float64(day)*24 + randomBetween(r, 0, 5)
		jobs[day] = burst{startAt, randomMinutes(r, 2, 5), randomMinutes(r, 40, 120), job * randomBetween(r, 0.8, 1.2)}
	}
	return func(h float64) float64 { return low + dailyShare(h, 13) + sumBursts(jobs, h) }
}

func newHourlyJobs(r *rand.Rand) func(float64) float64 {
	low, job, length := randomBetween(r, 1.5, 3), randomBetween(r, 2, 5), randomMinutes(r, 5, 25)
	jobs := make([]burst, Days*24)
	for hour := range jobs {
		jobs[hour] = burst{float64(hour), randomMinutes(r, 1, 2), length * randomBetween(r, 0.8, 1.2), job * randomBetween(r, 0.7, 1.3)}
		if hour%6 == 0 {
			jobs[hour].height *= 2
		}
	}
	return func(h float64) float64 { return low + dailyShare(h, 13) + sumBursts(jobs, h) }
}

func newMonthEnd(r *rand.Rand) func(float64) float64 {
	low, high, peak := randomBetween(r, 1, 2), randomBetween(r, 3, 5), randomBetween(r, 10, 16)
	startHour, work := randomBetween(r, 6, 10), randomBetween(r, 8, 16)
	var closings []burst
	for day := range monthEndDays {
		date := start.AddDate(0, 0, day)
		if isLast := date.AddDate(0, 0, 1).Day() == 1; isLast || date.Day() == 1 {
			closings = append(closings, burst{
				float64(day)*24 + startHour, randomMinutes(r, 10, 30), randomBetween(r, 8, 12), work * randomBetween(r, 0.8, 1.2),
			})
		}
	}
	return func(h float64) float64 { return low + (high-low)*dailyShare(h, peak) + sumBursts(closings, h) }
}

func newGrowth(r *rand.Rand) func(float64) float64 {
	low, high, peak := randomBetween(r, 1, 2), randomBetween(r, 4, 8), randomBetween(r, 10, 16)
	return func(h float64) float64 { return (low + (high-low)*dailyShare(h, peak)) * math.Pow(1.05, h/24) }
}

func newUpgrade(r *rand.Rand) func(float64) float64 {
	low, high, peak := randomBetween(r, 1, 2), randomBetween(r, 4, 8), randomBetween(r, 10, 16)
	upgradeAt, factor := randomBetween(r, 0.4, 0.6)*Days*24, randomBetween(r, 1.5, 2.5)
	return func(h float64) float64 {
		load := low + (high-low)*dailyShare(h, peak)
		if h >= upgradeAt {
			load *= factor
		}
		return load
	}
}

// outage is a time in which clients do not reach the database, and the storm of retries after it. Times are in hours.
type outage struct{ start, length, factor, decay float64 }

// factorAt is the factor of the demand at a time.
func (o outage) factorAt(hours float64) float64 {
	const remaining, returning = 0.03, 2.0 / 60 // what still arrives during the outage, and the time in which the clients return
	switch since := hours - o.start; {
	case since < 0:
		return 1
	case since < o.length:
		return remaining
	case since < o.length+returning:
		return remaining + (o.factor-remaining)*(since-o.length)/returning
	default:
		return 1 + (o.factor-1)*math.Exp(-(since-o.length-returning)/o.decay)
	}
}

func newRetryStorms(r *rand.Rand) func(float64) float64 {
	low, high, peak := randomBetween(r, 2, 3), randomBetween(r, 4, 8), randomBetween(r, 10, 16)
	outages := make([]outage, 8)
	for n := range outages {
		outages[n] = outage{
			(float64(n) + randomBetween(r, 0.5, 1)) * 2.5 * 24, randomMinutes(r, 5, 60), randomBetween(r, 1.5, 3), randomMinutes(r, 10, 30),
		}
	}
	return func(h float64) float64 {
		load := low + (high-low)*dailyShare(h, peak)
		for _, o := range outages {
			load *= o.factorAt(h)
		}
		return load
	}
}
