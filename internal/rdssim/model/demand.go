package model

import (
	"sort"
	"time"
)

// knot is a demand at one moment since the scenario's start.
type knot struct {
	since time.Duration
	vcpus float64
}

// demand is a curve with its moments worked out.
type demand struct {
	knots []knot
	// even are evenly spaced, from a moment on; nil where there are knots.
	even        []float64
	from, every time.Duration
	factors     []factor
	noise       float64 // greatest deviation, as a share
}

// factor multiplies a demand from a moment on.
type factor struct {
	since time.Duration
	times float64
}

// resolve works a curve out. The error is about its recording.
func (s Scenario) resolve(c Curve) (demand, error) {
	d := demand{noise: c.NoisePercent / 100}
	for _, p := range c.Points {
		d.knots = append(d.knots, knot{p.At.since(s.Start.Time), p.VCPUs})
	}
	for _, m := range c.Multipliers {
		d.factors = append(d.factors, factor{m.From.since(s.Start.Time), m.Factor})
	}
	if c.Even != nil {
		d.even, d.from, d.every = c.Even.VCPUs, c.Even.From.since(s.Start.Time), c.Even.Every.Duration
	}
	if c.Recording == nil {
		return d, nil
	}
	var err error
	d.knots, err = c.Recording.load(s.dir)
	return d, err
}

// at is the demand in vCPUs so long after the start, without noise.
func (d demand) at(since time.Duration) float64 {
	vcpus := d.between(since)
	for _, f := range d.factors {
		if since >= f.since {
			vcpus *= f.times
		}
	}
	return vcpus
}

// between interpolates.
func (d demand) between(since time.Duration) float64 {
	if d.even != nil {
		return d.evenly(since - d.from)
	}
	next := sort.Search(len(d.knots), func(n int) bool { return d.knots[n].since > since })
	switch {
	case len(d.knots) == 0:
		return 0
	case next == 0:
		return d.knots[0].vcpus
	case next == len(d.knots):
		return d.knots[next-1].vcpus
	}
	a, b := d.knots[next-1], d.knots[next]
	return a.vcpus + (b.vcpus-a.vcpus)*float64(since-a.since)/float64(b.since-a.since)
}

// evenly interpolates between evenly spaced demands, so long after the first.
func (d demand) evenly(since time.Duration) float64 {
	last := len(d.even) - 1
	n := int(since / d.every)
	switch {
	case since <= 0:
		return d.even[0]
	case n >= last:
		return d.even[last]
	}
	return d.even[n] + (d.even[n+1]-d.even[n])*float64(since%d.every)/float64(d.every)
}
