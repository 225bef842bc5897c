package model

import (
	"sort"
	"time"
)

// demandPoint is a demand at one moment since the scenario's start.
type demandPoint struct {
	offset time.Duration
	vcpus  float64
}

// demand is a curve with its moments worked out.
type demand struct {
	points []demandPoint
	// series are evenly spaced, from a moment on; nil where there are knots.
	series                      []float64
	seriesStart, seriesInterval time.Duration
	multipliers                 []demandMultiplier
	noiseShare                  float64 // greatest deviation, as a share
}

// demandMultiplier multiplies a demand from a moment on.
type demandMultiplier struct {
	offset time.Duration
	factor float64
}

// resolveDemand works a curve out. The error is about its recording.
func (s Scenario) resolveDemand(curve Curve) (demand, error) {
	d := demand{noiseShare: curve.NoisePercent / 100}
	for _, p := range curve.Points {
		d.points = append(d.points, demandPoint{p.At.sinceStart(s.Start.Time), p.VCPUs})
	}
	for _, m := range curve.Multipliers {
		d.multipliers = append(d.multipliers, demandMultiplier{m.From.sinceStart(s.Start.Time), m.Factor})
	}
	if curve.Series != nil {
		d.series, d.seriesStart, d.seriesInterval = curve.Series.VCPUs, curve.Series.From.sinceStart(s.Start.Time), curve.Series.Interval.Duration
	}
	if curve.Recording == nil {
		return d, nil
	}
	var err error
	d.points, err = curve.Recording.readFile(s.baseDir)
	return d, err
}

// vcpusAt is the demand in vCPUs so long after the start, without noise.
func (d demand) vcpusAt(offset time.Duration) float64 {
	vcpus := d.interpolate(offset)
	for _, f := range d.multipliers {
		if offset >= f.offset {
			vcpus *= f.factor
		}
	}
	return vcpus
}

// interpolate interpolates.
func (d demand) interpolate(offset time.Duration) float64 {
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

// interpolateSeries interpolates between evenly spaced demands, so long after the first.
func (d demand) interpolateSeries(offset time.Duration) float64 {
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
