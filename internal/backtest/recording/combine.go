package recording

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// metricKind is the metric of a result.
type metricKind int

const (
	metricUnknown metricKind = iota
	metricCPU
	metricDBLoad
)

// metricSeries joins all results with the same ID, or with the same label if there is no ID.
type metricSeries struct {
	result
	kind metricKind
}

// combine converts the results to one recording: the sum of all instances. An interval without a value of every instance is
// unknown. If DBLoad is lower than the used vCPUs, the used vCPUs count.
func (f inputFile) combine(results []result, c converter) (*Recording, error) {
	all, err := f.groupResults(results)
	if err != nil {
		return nil, err
	}
	cpuSeries, dbLoadSeries, err := f.classifySeries(all, c)
	if err != nil {
		return nil, err
	}
	// One result is the mean of the pool; each of several results is one instance.
	if cpuSeries > 1 {
		c.count = 1
	}
	var sums timeSums
	for _, one := range all {
		if err := f.addSeries(&sums, one, c); err != nil {
			return nil, err
		}
	}
	points := sums.points(c, cpuSeries, dbLoadSeries)
	switch len(points) {
	case 0:
		return nil, f.errorAt(0, "has no time at which every instance has a value: fetch all of them for the same time and period")
	case 1:
		return nil, f.errorAt(points[0].line, "is the only value, so the interval is unknown: give two or more")
	}
	return f.alignToGrid(points)
}

// groupResults joins the pages of each series. It refuses incomplete series.
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
		series := byID[key]
		if series == nil {
			series = &metricSeries{result: r}
			byID[key], all = series, append(all, series)
			continue
		}
		// Only the last page is not partial.
		series.status, series.statusLine = r.status, r.statusLine
		series.times, series.values = append(series.times, r.times...), append(series.values, r.values...)
		if series.label == "" {
			series.label = r.label
		}
	}
	for _, series := range all {
		if problem := statusProblem(series.status); problem != "" {
			return nil, f.errorAt(series.statusLine, "%s %s", series.displayName(), problem)
		}
	}
	if values == 0 {
		return nil, f.errorAt(0, "has no datapoints: check the instance's name, the region and the times; "+retentionHint)
	}
	return all, nil
}

// retentionHint is the retention of CloudWatch metrics (CloudWatch API reference, GetMetricData).
const retentionHint = "CloudWatch keeps 1-minute values for 15 days, 5-minute values for 63 days and hourly values for 455 days"

func statusProblem(status string) string {
	switch status {
	case "", "Complete":
		return ""
	case "PartialData":
		return "is PartialData, so values are missing: fetch it again, with all pages or with a later start"
	case "Forbidden":
		return "is Forbidden: fetch it again with credentials that may read the metric (cloudwatch:GetMetricData)"
	case "InternalError":
		return "is InternalError: CloudWatch failed, so fetch it again"
	}
	return "has the unknown status " + quote(status) + ": fetch it again"
}

// displayName is the name of a result in errors.
func (r *result) displayName() string {
	if r.label == "" {
		return "the result " + quote(r.id)
	}
	return "the result " + quote(r.label)
}

// classifySeries sets the kind of each series, and returns the number of series of CPU and of DBLoad.
func (f inputFile) classifySeries(all []*metricSeries, c converter) (cpuSeries, dbLoadSeries int, err error) {
	if c.scale != 0 {
		if len(all) != 1 {
			return 0, 0, f.errorAt(0, "has %d results (%s), and --scale needs exactly one: fetch only one metric", len(all), quoteLabels(all))
		}
		all[0].kind = metricCPU
		return 1, 0, nil
	}
	for _, series := range all {
		if series.kind = parseMetricKind(series.label); series.kind == metricUnknown {
			series.kind = parseMetricKind(series.id)
		}
		switch series.kind {
		case metricUnknown:
			return 0, 0, f.errorAt(series.line, "%s is neither CPUUtilization nor DBLoadCPU (results: %s): fetch only these, "+
				"or give --scale if it is another metric", series.displayName(), quoteLabels(all))
		case metricCPU:
			cpuSeries++
		case metricDBLoad:
			dbLoadSeries++
		}
	}
	instances := max(cpuSeries, c.count)
	switch {
	case cpuSeries == 0:
		return 0, 0, f.errorAt(0, "has no CPUUtilization (results: %s): fetch it too", quoteLabels(all))
	case cpuSeries > 1 && c.count != 0 && c.count != cpuSeries:
		return 0, 0, f.errorAt(0, "has CPUUtilization of %d instances, and --count is %d: omit --count (results: %s)",
			cpuSeries, c.count, quoteLabels(all))
	case dbLoadSeries > 1 && dbLoadSeries != instances || dbLoadSeries == 1 && cpuSeries > 1:
		return 0, 0, f.errorAt(0, "has %d DBLoad result(s) for %d instance(s) (results: %s): fetch one for each instance, or none",
			dbLoadSeries, instances, quoteLabels(all))
	}
	return cpuSeries, dbLoadSeries, nil
}

// parseMetricKind is the kind that a label or an ID names. DBLoadNonCPU and ratios of DBLoad say nothing about vCPUs.
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

// quoteLabels lists the labels of the series, at most five.
func quoteLabels(all []*metricSeries) string {
	const maxLabels = 5
	var out []string
	for n, s := range all {
		if n == maxLabels {
			out = append(out, "…")
			break
		}
		out = append(out, quote(cmp.Or(s.label, s.id)))
	}
	return strings.Join(out, ", ")
}

// timeSum is the sum of all instances at one time.
type timeSum struct {
	unixSeconds int64
	line        int
	// valueSum is the sum of the values in their own unit, dbLoadSum that of DBLoad in sessions.
	valueSum, dbLoadSum float64
	// cpuCount and dbLoadCount are the numbers of series in the sums.
	cpuCount, dbLoadCount int
	saturated             bool
}

// timeSums has the sums of all times.
type timeSums struct {
	all         []timeSum
	indexByTime map[int64]int
}

// addSeries adds a series to the sums. A series must not have a time twice.
func (f inputFile) addSeries(sums *timeSums, series *metricSeries, c converter) error {
	if sums.indexByTime == nil {
		sums.indexByTime = make(map[int64]int, len(series.times))
	}
	lines := make(map[int64]int, len(series.times))
	for n, timestamp := range series.times {
		unixSeconds, ok := parseTime(timestamp.text)
		if !ok {
			return f.errorAt(timestamp.line, invalidTimeFormat, quote(timestamp.text))
		}
		if line, duplicate := lines[unixSeconds]; duplicate {
			return f.errorAt(timestamp.line, "%s has the timestamp %s in line %d already: give each value once", series.displayName(),
				formatTime(unixSeconds), line)
		}
		lines[unixSeconds] = timestamp.line
		value, problem := series.kind.parse(series.values[n].text, c)
		if problem != "" {
			return f.errorAt(series.values[n].line, "%s (%s)", problem, formatTime(unixSeconds))
		}
		index, known := sums.indexByTime[unixSeconds]
		if !known {
			index = len(sums.all)
			sums.indexByTime[unixSeconds], sums.all = index, append(sums.all, timeSum{unixSeconds: unixSeconds, line: timestamp.line})
		}
		sums.all[index].add(series.kind, value)
	}
	return nil
}

func (k metricKind) parse(text string, c converter) (value float64, problem string) {
	if k == metricDBLoad {
		return parseDBLoad(text)
	}
	return c.parse(text)
}

func (sum *timeSum) add(kind metricKind, value float64) {
	if kind == metricDBLoad {
		sum.dbLoadSum += value
		sum.dbLoadCount++
		return
	}
	sum.valueSum += value
	sum.cpuCount++
	sum.saturated = sum.saturated || value >= SaturatedPercent
}

// points are the demands in order of time, from the first to the last time with a value of every instance.
func (sums *timeSums) points(c converter, cpuSeries, dbLoadSeries int) []point {
	slices.SortFunc(sums.all, func(a, b timeSum) int { return cmp.Compare(a.unixSeconds, b.unixSeconds) })
	out := make([]point, 0, len(sums.all))
	length := 0
	for _, sum := range sums.all {
		if sum.cpuCount == 0 || sum.cpuCount < cpuSeries && len(out) == 0 {
			continue
		}
		p := point{unixSeconds: sum.unixSeconds, line: sum.line, demandVCPUs: math.NaN()}
		switch {
		case sum.cpuCount < cpuSeries:
		case c.scale != 0:
			p.demandVCPUs = sum.valueSum * c.scale
		default:
			dbLoad := math.NaN()
			if dbLoadSeries > 0 && sum.dbLoadCount == dbLoadSeries {
				dbLoad = sum.dbLoadSum
				if dbLoadSeries < int(c.instances()) { // one series with the mean, as CPUUtilization
					dbLoad *= c.instances()
				}
			}
			p.demandVCPUs, p.censored = estimateDemand(sum.valueSum/100*c.poolVCPUs(), dbLoad, sum.saturated)
		}
		if out = append(out, p); sum.cpuCount == cpuSeries {
			length = len(out)
		}
	}
	return out[:length]
}
