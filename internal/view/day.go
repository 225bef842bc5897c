package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// Day is the last hours of a database: demand and capacity over time, and what the operator decided and did. A time without data has no
// point: it is a gap, never zero.
type Day struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// From and To are the beginning and the end.
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Pools []PoolDay `json:"pools,omitempty"`
	// Marks are decisions, operations, blocked changes and other events, oldest first.
	Marks []Mark `json:"marks,omitempty"`
	// Unknown says what these sources cannot tell, and where it is.
	Unknown []string `json:"unknown,omitempty"`
}

// PoolDay is the day of one pool.
type PoolDay struct {
	Name string `json:"name"`
	// Thresholds are the present ones of the policy; absent for a pool that it does not scale.
	Thresholds *Thresholds `json:"thresholds,omitempty"`
	// MaximumVCPUs is the largest shape that the policy allows.
	MaximumVCPUs *float64 `json:"maximumVCPUs,omitempty"`
	// Capacity is the vCPUs of the pool over time, oldest first. Between two spans the pool was changing, or its capacity is not known.
	Capacity []CapacitySpan `json:"capacity,omitempty"`
	// Points are the load, oldest first: each minute where its samples are known, and otherwise each quarter of an hour.
	Points []DayPoint `json:"points,omitempty"`
	// Instances are the CPU of the present instances in each minute, from before they had their present role, too.
	Instances []InstanceDay `json:"instances,omitempty"`
}

// CapacitySpan is a time during which a pool had the same vCPUs.
type CapacitySpan struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	VCPUs float64   `json:"vcpus"`
}

// DayPoint is the load of a pool in a minute or a quarter of an hour.
type DayPoint struct {
	Time time.Time `json:"time"`
	// Seconds is the length: 60 or 900.
	Seconds int64 `json:"seconds"`
	// DemandVCPUs is the demand; absent while the capacity is not known. In a quarter of an hour it is at most the capacity.
	DemandVCPUs *float64 `json:"demandVCPUs,omitempty"`
	// CPUPercent is the mean utilization of the instances, weighted by their vCPUs.
	CPUPercent *float64 `json:"cpuPercent,omitempty"`
	// Saturated says that an instance was saturated; it is known for a minute only.
	Saturated bool `json:"saturated,omitempty"`
}

// InstanceDay is the CPU of one instance.
type InstanceDay struct {
	Identifier string `json:"identifier"`
	// Start is the first minute, and CPUPercent has a value for each minute from then on: null where it is missing.
	Start      time.Time  `json:"start"`
	CPUPercent []*float64 `json:"cpuPercent"`
}

// DayInput is everything that a day is made of.
type DayInput struct {
	Input
	// Length is how far the day goes back.
	Length time.Duration
	// Ledger is what a ledger has about the policy, or nil.
	Ledger *LedgerDay
	// Seen are the decisions that the caller has seen in the status, oldest first, since SeenSince.
	Seen      []SeenDecision
	SeenSince time.Time
}

// SeenDecision is a decision that was seen in the status of a policy.
type SeenDecision struct {
	Decision Decision
	// Until is when another decision took its place; zero while it is in force.
	Until time.Time
}

// dayBuilder makes a day.
type dayBuilder struct {
	builder
	day     DayInput
	from    time.Time
	samples daySamples
}

// daySamples are points by pool and start.
type daySamples struct {
	minutes, quarters map[scaling.Pool]map[time.Time]DayPoint
}

func newDaySamples() daySamples {
	s := daySamples{map[scaling.Pool]map[time.Time]DayPoint{}, map[scaling.Pool]map[time.Time]DayPoint{}}
	for _, pool := range dayPools {
		s.minutes[pool], s.quarters[pool] = map[time.Time]DayPoint{}, map[time.Time]DayPoint{}
	}
	return s
}

// dayPools are the pools of a database.
var dayPools = []scaling.Pool{scaling.Writer, scaling.Readers}

// NewDay makes the day of a policy.
func NewDay(in DayInput) Day {
	d := dayBuilder{day: in, from: in.Now.Add(-in.Length).UTC(), samples: newDaySamples()}
	d.builder = builder{Input: in.Input, status: &in.Object.Status, operation: convert.Operation(in.Object.Status.Operation)}
	var err error
	d.policy, err = convert.Policy(in.Object)
	d.validPolicy = err == nil
	d.observe()
	if in.Ledger != nil {
		d.samples.merge(in.Ledger.samples)
	}
	if d.isMeasured() {
		d.samples.add(d.policy, d.observation, in.Now, in.Length)
	}
	out := Day{Namespace: in.Object.Namespace, Name: in.Object.Name, From: d.from, To: in.Now.UTC(), Marks: d.marks()}
	for _, pool := range d.viewPools() {
		out.Pools = append(out.Pools, d.viewDay(&pool))
	}
	out.Unknown = d.unknown(&out)
	return out
}

func (d *dayBuilder) isMeasured() bool { return d.Observation != nil && d.Observation.Found }

func (d *dayBuilder) viewDay(p *Pool) PoolDay {
	pool := scaling.Pool(p.Name)
	return PoolDay{
		Name: p.Name, Thresholds: p.Thresholds, MaximumVCPUs: p.MaximumVCPUs, Capacity: d.capacity(pool),
		Points: d.samples.points(pool, d.from, d.Now), Instances: d.instances(pool),
	}
}

// capacity is the capacity of a pool over time, by what status remembers.
func (d *dayBuilder) capacity(pool scaling.Pool) []CapacitySpan {
	status := d.status.Writer
	if pool == scaling.Readers {
		status = d.status.Readers
	}
	if status == nil {
		return nil
	}
	o := &scaling.Observation{Engine: d.observation.Engine, ObservedAt: d.Now}
	var out []CapacitySpan
	for _, period := range convert.PoolState(status).FullCapacityHistory(nil, o) {
		from, to := period.StartedAt.UTC(), period.EndedAt.UTC()
		if !to.After(d.from) {
			continue
		}
		if from.Before(d.from) {
			from = d.from
		}
		out = append(out, CapacitySpan{From: from, To: to, VCPUs: period.VCPUs})
	}
	return out
}

// instances are the samples of the instances of a pool.
func (d *dayBuilder) instances(pool scaling.Pool) []InstanceDay {
	if !d.isMeasured() {
		return nil
	}
	var out []InstanceDay
	for _, i := range d.observation.PoolInstances(pool) {
		cpu := i.CPU.From(d.from).Before(d.Now)
		if cpu.IsEmpty() || cpu.Period() != time.Minute {
			continue
		}
		day := InstanceDay{Identifier: i.Identifier, Start: cpu.Start()}
		for n := range cpu.Len() {
			var value *float64
			if v, known := cpu.At(n); known {
				value = rounded(v)
			}
			day.CPUPercent = append(day.CPUPercent, value)
		}
		out = append(out, day)
	}
	return out
}

// add adds the samples of an observation.
func (s daySamples) add(p scaling.Policy, o scaling.Observation, now time.Time, length time.Duration) {
	for _, pool := range dayPools {
		for _, m := range decide.DemandByMinute(p, o, pool, now, min(length, maxMinuteHistory)) {
			if m.Known {
				s.minutes[pool][m.Time] = DayPoint{
					Time: m.Time, Seconds: 60, DemandVCPUs: rounded(m.VCPUs), CPUPercent: meanCPU(&o, pool, m.Time), Saturated: m.Saturated,
				}
			}
		}
		for _, q := range decide.DemandByQuarterHour(o, pool, now.Add(-length), now) {
			point := DayPoint{Time: q.Time, Seconds: seconds(decide.QuarterHourLength), CPUPercent: rounded(q.Percent)}
			if q.CapacityKnown {
				point.DemandVCPUs = rounded(q.VCPUs)
			}
			s.quarters[pool][q.Time] = point
		}
	}
}

// maxMinuteHistory is how far back the samples of minutes are looked for: about as far as the operator reads them.
const maxMinuteHistory = 6 * time.Hour

// meanCPU is the mean CPU of the instances of a pool that have a sample of a minute, weighted by their vCPUs; nil when none has.
func meanCPU(o *scaling.Observation, pool scaling.Pool, at time.Time) *float64 {
	b := builder{observation: *o}
	sum, total := 0.0, 0.0
	for n := range o.Instances {
		i := &o.Instances[n]
		if i.Writer != (pool == scaling.Writer) {
			continue
		}
		percent, known := i.CPU.ValueAt(at)
		vcpus := b.vcpus(i.Class)
		if !known || vcpus == nil {
			continue
		}
		sum, total = sum+min(percent, 100)**vcpus, total+*vcpus
	}
	if total == 0 {
		return nil
	}
	return rounded(sum / total)
}

// merge adds the samples of other, which count more.
func (s daySamples) merge(other daySamples) {
	for _, pool := range dayPools {
		for at, point := range other.minutes[pool] {
			s.minutes[pool][at] = point
		}
		for at, point := range other.quarters[pool] {
			s.quarters[pool][at] = point
		}
	}
}

// points lists the load of a pool between two times: of each quarter of an hour the minutes, or itself when no minute is known.
func (s daySamples) points(pool scaling.Pool, from, to time.Time) []DayPoint {
	var out []DayPoint
	byMinute := map[time.Time]bool{}
	for at, point := range s.minutes[pool] {
		if !at.Before(from) && at.Before(to) {
			out = append(out, point)
			byMinute[at.Truncate(decide.QuarterHourLength)] = true
		}
	}
	for at, point := range s.quarters[pool] {
		if !at.Before(from) && at.Before(to) && !byMinute[at] {
			out = append(out, point)
		}
	}
	slices.SortFunc(out, func(a, b DayPoint) int { return a.Time.Compare(b.Time) })
	return out
}

// unknown says what is missing.
func (d *dayBuilder) unknown(day *Day) []string {
	var out []string
	hasPoints := slices.ContainsFunc(day.Pools, func(p PoolDay) bool { return len(p.Points) > 0 })
	switch {
	case d.MeasurementError != "":
		out = append(out, "Demand and CPU of now: "+d.MeasurementError)
	case !d.isMeasured() && !hasPoints:
		out = append(out, "Demand and CPU: they are in CloudWatch, not in the status of the policy. Start the dashboard with --metrics, which "+
			"reads them with your AWS credentials, or with --ledger")
	case !d.isMeasured():
		out = append(out, "Demand and CPU of now, and between the records of the ledger: add --metrics, which reads them with your AWS "+
			"credentials")
	}
	for n := range day.Pools {
		p := &day.Pools[n]
		if len(p.Capacity) > 0 && p.Capacity[0].From.After(d.from) {
			out = append(out, fmt.Sprintf("Capacity of the %s before %s: the status has it from the first reconcile on", poolNoun(p.Name),
				p.Capacity[0].From.Format(time.RFC3339)))
		}
	}
	if d.EventsUnknown != "" {
		out = append(out, "Events: "+d.EventsUnknown)
	}
	if d.day.Ledger == nil {
		text := "Decisions of the past: only a ledger has all of them; add --ledger with the file that the operator writes with --ledger-file. " +
			"Without it, there are the operations in the status and the events that the API server still has"
		if !d.day.SeenSince.IsZero() {
			text += ", and what this dashboard has seen since " + d.day.SeenSince.UTC().Format(time.RFC3339)
		}
		return append(out, text)
	}
	return append(out, d.day.Ledger.unknown(d.from)...)
}

// rounded is a value with two digits after the point, which a chart does not show more exactly.
func rounded(v float64) *float64 { return ptr.To(math.Round(v*100) / 100) }

// sortMarks sorts marks by time, the operation first.
func sortMarks(marks []Mark) {
	slices.SortStableFunc(marks, func(a, b Mark) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Title, b.Title))
	})
}
