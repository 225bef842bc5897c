package recording

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// kind is what a result measures.
type kind int

const (
	unclear kind = iota
	cpu
	dbload
)

// series is all the results of one id, or of one label where there is no id.
type series struct {
	result
	kind kind
}

// combine makes one recording of all results. Instances are added up; an interval that one of them lacks is not known. DBLoad is added
// up as it is: where it shows less than was used, what was used counts.
func (f file) combine(results []result, m measure) (*Recording, error) {
	all, err := f.group(results)
	if err != nil {
		return nil, err
	}
	cpus, loads, err := f.roles(all, m)
	if err != nil {
		return nil, err
	}
	// One result is the mean of the pool, several are one instance each.
	if cpus > 1 {
		m.count = 1
	}
	var t totals
	for _, s := range all {
		if err := f.add(&t, s, m); err != nil {
			return nil, err
		}
	}
	points := t.points(m, cpus, loads)
	switch len(points) {
	case 0:
		return nil, f.wrong(0, "has no time at which every instance has a value: fetch all of them for the same time and period")
	case 1:
		return nil, f.wrong(points[0].line, "is the only value, so that the interval is not known: give two or more")
	}
	return f.grid(points)
}

// group joins the pages of each series, and refuses what is not complete.
func (f file) group(results []result) ([]*series, error) {
	var all []*series
	byID := map[string]*series{}
	values := 0
	for _, r := range results {
		if len(r.times) != len(r.values) {
			return nil, f.wrong(r.line, "%s has %d timestamps and %d values: fetch it again", r.name(), len(r.times), len(r.values))
		}
		values += len(r.values)
		key := "id " + r.id
		if r.id == "" {
			key = "label " + r.label
		}
		s := byID[key]
		if s == nil {
			s = &series{result: r}
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
			return nil, f.wrong(s.statusLine, "%s %s", s.name(), problem)
		}
	}
	if values == 0 {
		return nil, f.wrong(0, "has no datapoints: check the instance's name, the region and the times; "+kept)
	}
	return all, nil
}

// kept is how long there is something to fetch (CloudWatch API reference, GetMetricData).
const kept = "CloudWatch keeps 1-minute values for 15 days, 5-minute values for 63 days and hourly values for 455 days"

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

// name is what a result is called in errors.
func (r *result) name() string {
	if r.label == "" {
		return "the result " + quote(r.id)
	}
	return "the result " + quote(r.label)
}

// roles finds out what each series is, and how many there are of CPU and of DBLoad.
func (f file) roles(all []*series, m measure) (cpus, loads int, err error) {
	if m.scale != 0 {
		if len(all) != 1 {
			return 0, 0, f.wrong(0, "has %d results (%s), and with --scale there must be one: fetch it alone", len(all), labels(all))
		}
		all[0].kind = cpu
		return 1, 0, nil
	}
	for _, s := range all {
		if s.kind = kindOf(s.label); s.kind == unclear {
			s.kind = kindOf(s.id)
		}
		switch s.kind {
		case unclear:
			return 0, 0, f.wrong(s.line, "%s is neither CPUUtilization nor DBLoadCPU (results: %s): fetch these alone, "+
				"or give --scale if it is another measure", s.name(), labels(all))
		case cpu:
			cpus++
		case dbload:
			loads++
		}
	}
	instances := max(cpus, m.count)
	switch {
	case cpus == 0:
		return 0, 0, f.wrong(0, "has no CPUUtilization (results: %s): fetch it too", labels(all))
	case cpus > 1 && m.count != 0 && m.count != cpus:
		return 0, 0, f.wrong(0, "has CPUUtilization of %d instances, and --count is %d: leave --count out (results: %s)",
			cpus, m.count, labels(all))
	case loads > 1 && loads != instances || loads == 1 && cpus > 1:
		return 0, 0, f.wrong(0, "has %d DBLoad result(s) for %d instance(s) (results: %s): fetch one for each instance, or none",
			loads, instances, labels(all))
	}
	return cpus, loads, nil
}

// kindOf reads a label or an id. DBLoad of other than CPU, and ratios of it, say nothing about vCPUs.
func kindOf(name string) kind {
	name = strings.ToLower(name)
	load := strings.Contains(name, "dbload")
	switch {
	case load && (strings.Contains(name, "noncpu") || strings.Contains(name, "relative") || strings.Contains(name, "cpuutilization")):
		return unclear
	case load:
		return dbload
	case strings.Contains(name, "cpuutilization") || strings.HasPrefix(name, "cpu"):
		return cpu
	}
	return unclear
}

// labels lists what was found, cut short where there are many.
func labels(all []*series) string {
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

// total is what all instances together had at one time.
type total struct {
	at   int64
	line int
	// used is the sum of the values, and load of DBLoad.
	used, load float64
	// cpus and loads is how many series these are of.
	cpus, loads int
	saturated   bool
}

// totals adds up series by their times.
type totals struct {
	all   []total
	index map[int64]int
}

// add adds a series. It has each time once.
func (f file) add(t *totals, s *series, m measure) error {
	if t.index == nil {
		t.index = make(map[int64]int, len(s.times))
	}
	lines := make(map[int64]int, len(s.times))
	for n, written := range s.times {
		at, ok := parseTime(written.string)
		if !ok {
			return f.wrong(written.line, noTime, quote(written.string))
		}
		if line, twice := lines[at]; twice {
			return f.wrong(written.line, "%s has the timestamp %s in line %d already: give each value once", s.name(), stamp(at), line)
		}
		lines[at] = written.line
		value, problem := s.kind.read(s.values[n].string, m)
		if problem != "" {
			return f.wrong(s.values[n].line, "%s (%s)", problem, stamp(at))
		}
		k, known := t.index[at]
		if !known {
			k = len(t.all)
			t.index[at], t.all = k, append(t.all, total{at: at, line: written.line})
		}
		t.all[k].add(s.kind, value)
	}
	return nil
}

func (k kind) read(text string, m measure) (value float64, problem string) {
	if k == dbload {
		return readLoad(text)
	}
	return m.read(text)
}

func (t *total) add(k kind, value float64) {
	if k == dbload {
		t.load += value
		t.loads++
		return
	}
	t.used += value
	t.cpus++
	t.saturated = t.saturated || value >= SaturatedPercent
}

// points is the demand by time, from the first to the last that is known.
func (t *totals) points(m measure, cpus, loads int) []point {
	slices.SortFunc(t.all, func(a, b total) int { return cmp.Compare(a.at, b.at) })
	out := make([]point, 0, len(t.all))
	last := 0
	for _, sum := range t.all {
		if sum.cpus == 0 || sum.cpus < cpus && len(out) == 0 {
			continue
		}
		p := point{at: sum.at, line: sum.line, demand: math.NaN()}
		switch {
		case sum.cpus < cpus:
		case m.scale != 0:
			p.demand = sum.used * m.scale
		default:
			load := math.NaN()
			if loads > 0 && sum.loads == loads {
				load = sum.load
				if loads < int(m.instances()) { // one that is the mean, as CPUUtilization is
					load *= m.instances()
				}
			}
			p.demand, p.censored = wanted(sum.used/100*m.pool(), load, sum.saturated)
		}
		if out = append(out, p); sum.cpus == cpus {
			last = len(out)
		}
	}
	return out[:last]
}
