package model

import (
	"math"
	"sort"
	"time"
)

// demandPoint is a demand at an offset from the scenario's start.
type demandPoint struct {
	offset time.Duration
	vcpus  float64
}

// demand is a Curve with its instants resolved to offsets from the scenario's start. It has either points or a series.
type demand struct {
	points []demandPoint
	// series has values in vCPUs at seriesInterval from each other, the first at seriesStart.
	series                      []float64
	seriesStart, seriesInterval time.Duration
	daily                       *dailyDemand
	multipliers                 []demandMultiplier
	// noiseShare is the largest deviation, as a fraction of the demand.
	noiseShare float64
}

// dailyDemand is a DailyLoad with its peak resolved.
type dailyDemand struct {
	mean, variation float64
	peak            time.Duration
}

// at returns the demand in vCPUs at an offset from the scenario's start.
func (d *dailyDemand) at(offset time.Duration) float64 {
	return d.mean * (1 + d.variation*math.Cos(2*math.Pi*float64(offset-d.peak)/float64(24*time.Hour)))
}

// demandMultiplier multiplies a demand from an offset on.
type demandMultiplier struct {
	offset time.Duration
	factor float64
}

// resolveDemand resolves a curve. It returns an error if the recording cannot be read.
func (s Scenario) resolveDemand(curve Curve) (demand, error) {
	d := demand{noiseShare: curve.NoisePercent / 100}
	for _, p := range curve.Points {
		d.points = append(d.points, demandPoint{p.At.sinceStart(s.Start.Time), p.VCPUs})
	}
	for _, m := range curve.Multipliers {
		d.multipliers = append(d.multipliers, demandMultiplier{m.From.sinceStart(s.Start.Time), m.Factor})
	}
	if curve.Series != nil {
		d.series, d.seriesInterval = curve.Series.VCPUs, curve.Series.Interval.Duration
		d.seriesStart = curve.Series.From.sinceStart(s.Start.Time)
	}
	if c := curve.Daily; c != nil {
		d.daily = &dailyDemand{c.MeanVCPUs, c.VariationPercent / 100, c.Peak.sinceStart(s.Start.Time)}
	}
	if curve.Recording == nil {
		return d, nil
	}
	var err error
	d.points, err = curve.Recording.readFile(s.baseDir)
	return d, err
}

// vcpusAt returns the demand in vCPUs at an offset from the start, with multipliers and without noise.
func (d *demand) vcpusAt(offset time.Duration) float64 {
	vcpus := d.interpolate(offset)
	for _, m := range d.multipliers {
		if offset >= m.offset {
			vcpus *= m.factor
		}
	}
	return vcpus
}

// interpolate returns the demand at an offset, without multipliers: linear between points, constant before the first and after
// the last.
func (d *demand) interpolate(offset time.Duration) float64 {
	if d.daily != nil {
		return d.daily.at(offset)
	}
	if d.series != nil {
		return d.interpolateSeries(offset - d.seriesStart)
	}
	next := sort.Search(len(d.points), func(n int) bool { return d.points[n].offset > offset })
	switch {
	case len(d.points) == 0:
		return 0
	case next == 0:
		return d.points[0].vcpus
	case next == len(d.points):
		return d.points[next-1].vcpus
	}
	a, b := d.points[next-1], d.points[next]
	return a.vcpus + (b.vcpus-a.vcpus)*float64(offset-a.offset)/float64(b.offset-a.offset)
}

// interpolateSeries interpolates between the values of the series, at an offset from its first value.
func (d *demand) interpolateSeries(offset time.Duration) float64 {
	last := len(d.series) - 1
	n := int(offset / d.seriesInterval)
	switch {
	case offset <= 0:
		return d.series[0]
	case n >= last:
		return d.series[last]
	}
	return d.series[n] + (d.series[n+1]-d.series[n])*float64(offset%d.seriesInterval)/float64(d.seriesInterval)
}
