package peer

import "time"

const (
	clickHouseLow, clickHouseHigh = 37.5, 75
	clickHouseFill                = 0.53
	clickHouseUp, clickHouseDown  = 30 * time.Hour, 3 * time.Hour
)

// clickHouse is ClickHouse Cloud's vertical scaling: when the use is outside 37.5 to 75 % of the size, the size becomes the peak divided
// by 0.53, rounded up. Up it goes by the peak of the last 30 hours, down by that of the last 3. New replicas are there before the old
// ones go.
type clickHouse struct {
	long, short peaks
	taken       time.Time
}

// ClickHouse is ClickHouse Cloud's vertical scaling.
func ClickHouse() Peer {
	return Peer{
		Name: "ClickHouse Cloud", ID: "clickhouse",
		Source: "peak/0.53 outside 37.5–75%, up by the last 30 h and down by the last 3 h, make before break " +
			"(ClickHouse Cloud documentation, scaling); once a minute, and a change takes five",
		Every: time.Minute, Reach: time.Hour, Means: Seamless, Delay: 5 * time.Minute,
		New: func() Rule {
			return &clickHouse{long: peaks{length: clickHouseUp}, short: peaks{length: clickHouseDown}}
		},
	}
}

// Look implements Rule.
func (c *clickHouse) Look(v View) int {
	for _, m := range v.CPU[v.CPU.From(c.taken):] {
		used := m.Value / 100 * v.size() // a minute from before a change counts for the new size, as it is seen then
		c.long.add(m.At, used)
		c.short.add(m.At, used)
		c.taken = m.At.Add(time.Minute)
	}
	m, known := mean(v.CPU, 1, v.Now)
	switch {
	case !known || v.Busy:
	case m > clickHouseHigh:
		return max(v.Rung, v.rungFor(c.long.most(v.Now)/clickHouseFill))
	case m < clickHouseLow:
		return min(v.Rung, v.rungFor(c.short.most(v.Now)/clickHouseFill))
	}
	return v.Rung
}

// peaks knows the greatest of the values of a time: a queue in which each is smaller than the one before it.
type peaks struct {
	length time.Duration
	queue  []wish
}

func (p *peaks) add(at time.Time, vcpus float64) {
	for len(p.queue) > 0 && p.queue[len(p.queue)-1].vcpus <= vcpus {
		p.queue = p.queue[:len(p.queue)-1]
	}
	p.queue = append(p.queue, wish{at, vcpus})
}

func (p *peaks) most(now time.Time) float64 {
	for len(p.queue) > 0 && now.Sub(p.queue[0].at) > p.length {
		p.queue = p.queue[1:]
	}
	if len(p.queue) == 0 {
		return 0
	}
	return p.queue[0].vcpus
}
