package recording

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// metricKind is what a result measures.
type metricKind int

const (
	metricUnknown metricKind = iota
	metricCPU
	metricDBLoad
)

// metricSeries is all the results of one id, or of one label where there is no id.
type metricSeries struct {
	result
	kind metricKind
}

// combine makes one recording of all results. Instances are added up; an interval that one of them lacks is not known. DBLoad is added
// up as it is: where it shows less than was used, what was used counts.
func (f inputFile) combine(results []result, m converter) (*Recording, error) {
	all, err := f.groupResults(results)
	if err != nil {
		return nil, err
	}
	cpus, loads, err := f.classifySeries(all, m)
	if err != nil {
		return nil, err
	}
	// One result is the mean of the pool, several are one instance each.
	if cpus > 1 {
		m.count = 1
	}
	var t timeSums
	for _, s := range all {
		if err := f.addSeries(&t, s, m); err != nil {
			return nil, err
		}
	}
	points := t.points(m, cpus, loads)
	switch len(points) {
	case 0:
		return nil, f.errorAt(0, "has no time at which every instance has a value: fetch all of them for the same time and period")
	case 1:
		return nil, f.errorAt(points[0].line, "is the only value, so that the interval is not known: give two or more")
	}
	return f.alignToGrid(points)
}

// groupResults joins the pages of each series, and refuses what is not complete.
func (f inputFile) groupResults(results []result) ([]*metricSeries, error) {
	var all []*metricSeries
	byID := map[string]*metricSeries{}
	values := 0
	for _, r := range results {
		if len(r.times) != len(r.values) {
			return nil, f.errorAt(r.line, "%s has %d timestamps and %d values: fetch it again", r.displayName(), len(r.times), len(r.values))
		}
		values += len(r.values)
		key := "id " + r.id
		if r.id == "" {
			key = "label " + r.label
		}
		s := byID[key]
		if s == nil {
			s = &metricSeries{result: r}
			byID[key], all = s, append(all, s)
			continue
		}
		// All pages but the last are partial.
		s.status, s.statusLine = r.status, r.statusLine
		s.times, s.values = append(s.times, r.times...), append(s.values, r.values...)
		if s.label == "" {
			s.label = r.label
		}
	}
	for _, s := range all {
		if problem := statusProblem(s.status); problem != "" {
			return nil, f.errorAt(s.statusLine, "%s %s", s.displayName(), problem)
		}
	}
	if values == 0 {
		return nil, f.errorAt(0, "has no datapoints: check the instance's name, the region and the times; "+retentionHint)
	}
	return all, nil
}

// retentionHint is how long there is something to fetch (CloudWatch API reference, GetMetricData).
const retentionHint = "CloudWatch keeps 1-minute values for 15 days, 5-minute values for 63 days and hourly values for 455 days"

func statusProblem(status string) string {
	switch status {
	case "", "Complete":
		return ""
	case "PartialData":
		return "is PartialData, so that values are missing: fetch it again, with all pages or with a later start"
	case "Forbidden":
		return "is Forbidden: fetch it again with credentials that may read the metric (cloudwatch:GetMetricData)"
	case "InternalError":
		return "is InternalError: CloudWatch failed, so fetch it again"
	}
	return "has the unknown status " + quote(status) + ": fetch it again"
}

// displayName is what a result is called in errors.
func (r *result) displayName() string {
	if r.label == "" {
		return "the result " + quote(r.id)
	}
	return "the result " + quote(r.label)
}

// classifySeries finds out what each series is, and how many there are of CPU and of DBLoad.
func (f inputFile) classifySeries(all []*metricSeries, m converter) (cpus, loads int, err error) {
	if m.scale != 0 {
		if len(all) != 1 {
			return 0, 0, f.errorAt(0, "has %d results (%s), and with --scale there must be one: fetch it alone", len(all), quoteLabels(all))
		}
		all[0].kind = metricCPU
		return 1, 0, nil
	}
	for _, s := range all {
		if s.kind = parseMetricKind(s.label); s.kind == metricUnknown {
			s.kind = parseMetricKind(s.id)
		}
		switch s.kind {
		case metricUnknown:
			return 0, 0, f.errorAt(s.line, "%s is neither CPUUtilization nor DBLoadCPU (results: %s): fetch these alone, "+
				"or give --scale if it is another measure", s.displayName(), quoteLabels(all))
		case metricCPU:
			cpus++
		case metricDBLoad:
			loads++
		}
	}
	instances := max(cpus, m.count)
	switch {
	case cpus == 0:
		return 0, 0, f.errorAt(0, "has no CPUUtilization (results: %s): fetch it too", quoteLabels(all))
	case cpus > 1 && m.count != 0 && m.count != cpus:
		return 0, 0, f.errorAt(0, "has CPUUtilization of %d instances, and --count is %d: leave --count out (results: %s)",
			cpus, m.count, quoteLabels(all))
	case loads > 1 && loads != instances || loads == 1 && cpus > 1:
		return 0, 0, f.errorAt(0, "has %d DBLoad result(s) for %d instance(s) (results: %s): fetch one for each instance, or none",
			loads, instances, quoteLabels(all))
	}
	return cpus, loads, nil
}

// parseMetricKind reads a label or an id. DBLoad of other than CPU, and ratios of it, say nothing about vCPUs.
func parseMetricKind(name string) metricKind {
	name = strings.ToLower(name)
	load := strings.Contains(name, "dbload")
	switch {
	case load && (strings.Contains(name, "noncpu") || strings.Contains(name, "relative") || strings.Contains(name, "cpuutilization")):
		return metricUnknown
	case load:
		return metricDBLoad
	case strings.Contains(name, "cpuutilization") || strings.HasPrefix(name, "cpu"):
		return metricCPU
	}
	return metricUnknown
}

// quoteLabels lists what was found, cut short where there are many.
func quoteLabels(all []*metricSeries) string {
	const most = 5
	var out []string
	for n, s := range all {
		if n == most {
			out = append(out, "…")
			break
		}
		out = append(out, quote(cmp.Or(s.label, s.id)))
	}
	return strings.Join(out, ", ")
}

// timeSum is what all instances together had at one time.
type timeSum struct {
	unixSeconds int64
	line        int
	// valueSum is the sum of the values, and load of DBLoad.
	valueSum, dbLoadSum float64
	// cpuCount and loads is how many series these are of.
	cpuCount, dbLoadCount int
	saturated             bool
}

// timeSums adds up series by their times.
type timeSums struct {
	all         []timeSum
	indexByTime map[int64]int
}

// addSeries adds a series. It has each time once.
func (f inputFile) addSeries(t *timeSums, s *metricSeries, m converter) error {
	if t.indexByTime == nil {
		t.indexByTime = make(map[int64]int, len(s.times))
	}
	lines := make(map[int64]int, len(s.times))
	for n, written := range s.times {
		at, ok := parseTime(written.string)
		if !ok {
			return f.errorAt(written.line, invalidTimeFormat, quote(written.string))
		}
		if line, twice := lines[at]; twice {
			return f.errorAt(written.line, "%s has the timestamp %s in line %d already: give each value once", s.displayName(), formatTime(at), line)
		}
		lines[at] = written.line
		value, problem := s.kind.parse(s.values[n].string, m)
		if problem != "" {
			return f.errorAt(s.values[n].line, "%s (%s)", problem, formatTime(at))
		}
		k, known := t.indexByTime[at]
		if !known {
			k = len(t.all)
			t.indexByTime[at], t.all = k, append(t.all, timeSum{unixSeconds: at, line: written.line})
		}
		t.all[k].add(s.kind, value)
	}
	return nil
}

func (k metricKind) parse(text string, m converter) (value float64, problem string) {
	if k == metricDBLoad {
		return parseDBLoad(text)
	}
	return m.parse(text)
}

func (t *timeSum) add(k metricKind, value float64) {
	if k == metricDBLoad {
		t.dbLoadSum += value
		t.dbLoadCount++
		return
	}
	t.valueSum += value
	t.cpuCount++
	t.saturated = t.saturated || value >= SaturatedPercent
}

// points is the demand by time, from the first to the last that is known.
func (t *timeSums) points(m converter, cpus, loads int) []point {
	slices.SortFunc(t.all, func(a, b timeSum) int { return cmp.Compare(a.unixSeconds, b.unixSeconds) })
	out := make([]point, 0, len(t.all))
	last := 0
	for _, sum := range t.all {
		if sum.cpuCount == 0 || sum.cpuCount < cpus && len(out) == 0 {
			continue
		}
		p := point{unixSeconds: sum.unixSeconds, line: sum.line, demandVCPUs: math.NaN()}
		switch {
		case sum.cpuCount < cpus:
		case m.scale != 0:
			p.demandVCPUs = sum.valueSum * m.scale
		default:
			load := math.NaN()
			if loads > 0 && sum.dbLoadCount == loads {
				load = sum.dbLoadSum
				if loads < int(m.instances()) { // one that is the mean, as CPUUtilization is
					load *= m.instances()
				}
			}
			p.demandVCPUs, p.censored = estimateDemand(sum.valueSum/100*m.poolVCPUs(), load, sum.saturated)
		}
		if out = append(out, p); sum.cpuCount == cpus {
			last = len(out)
		}
	}
	return out[:last]
}
