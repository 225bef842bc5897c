package backtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// idlePoolShare is the load of the pool that was not recorded, as a share of its vCPUs. It is too small to matter.
	idlePoolShare = 0.1
	// modelMetricRetention is how long the model keeps metrics: longer than any reader looks back. The model deletes once a day.
	modelMetricRetention = 26 * time.Hour
	// accountID is the AWS account that owns the database in the model.
	accountID = "123456789012"
)

// Setup is the input of a backtest: a policy and the load on its database.
type Setup struct {
	// Policy decides. Its mode and its manual control by annotation are ignored: the policy always acts. Its I/O limits are ignored,
	// too, since a recording has no I/O: the report says so.
	Policy    scaling.Policy
	Recording *recording.Recording
	// Pool is the recorded pool.
	Pool scaling.Pool
	// InitialShape is the shape of the recorded pool at the start. Empty fields are set from the policy.
	InitialShape scaling.Shape
	// OtherPoolShape is the shape of the cluster's other pool, which carries almost no load. Zero readers are allowed.
	OtherPoolShape scaling.Shape
	// Engine is written as in the RDS API. The default is aurora-postgresql, or postgres for a DBInstance.
	Engine string
	// MultiAZ says whether a DBInstance has a standby.
	MultiAZ bool
	// PerformanceInsights says that the database publishes DBLoadCPU.
	PerformanceInsights bool
	// ScoredFrom and ScoredUntil limit the time that is scored; zero is the start and the end of the recording. The time before
	// ScoredFrom is simulated too, so that the policy has a history.
	ScoredFrom, ScoredUntil time.Time
	// TimelineFrom and TimelineUntil limit the timeline and the events of each run to a part of the recording; zero is all of it.
	TimelineFrom, TimelineUntil time.Time
	// Seed draws the duration of each change. The same seed gives the same run.
	Seed int64
}

// validated returns the setup with its defaults. The error says which part of the setup cannot be simulated.
func (s Setup) validated() (Setup, error) {
	p := &s.Policy
	p.Mode, p.ManualControl = scaling.Enforce, scaling.ManualControl{}
	p.Guardrails.IOLimits = scaling.IgnoreIOLimits // a recording has no I/O
	switch {
	case s.Recording == nil || len(s.Recording.Demand) == 0:
		return s, errors.New("no recording to simulate: give one with at least one value")
	case p.Serverless:
		return s, errors.New("spec.serverless: Aurora Serverless v2 cannot be simulated yet: its capacity follows the load by itself")
	case p.Target.Kind == scaling.DBInstance && s.Pool == scaling.Readers:
		return s, errors.New("read replicas of a DBInstance cannot be simulated yet: simulate its writer")
	case s.Pool == scaling.Readers && p.Readers == nil:
		return s, errors.New("the recording is of the readers, and the policy has no spec.readers")
	case s.Pool == scaling.Writer && p.Writer == nil:
		return s, errors.New("the recording is of the writer, and the policy has no spec.writer")
	}
	if p.Target.Kind == scaling.DBInstance {
		p.Readers = nil // read replicas are not simulated
	}
	s.Engine = cmp.Or(s.Engine, map[scaling.TargetKind]string{scaling.DBInstance: "postgres"}[p.Target.Kind], "aurora-postgresql")
	if p.Target.Kind == scaling.DBCluster && !strings.HasPrefix(s.Engine, "aurora-") {
		return s, fmt.Errorf("%s: a Multi-AZ DB cluster cannot be simulated yet", s.Engine)
	}
	s = s.withInitialShapes()
	for _, class := range s.orderableClasses() {
		if c, err := catalog.Lookup(class); err != nil {
			return s, err
		} else if !c.Supports(s.Engine) {
			return s, fmt.Errorf("%s does not run on %s", class, s.Engine)
		}
	}
	return s, nil
}

// withInitialShapes sets the initial shapes of both pools where they are empty.
func (s Setup) withInitialShapes() Setup {
	ladder := s.allowedClasses(s.Pool)
	if s.InitialShape.InstanceClass == "" {
		s.InitialShape.InstanceClass = ladder[0]
	}
	if s.Pool == scaling.Writer {
		s.InitialShape.Count = 1
	} else {
		s.InitialShape.Count = max(1, cmp.Or(s.InitialShape.Count, s.Policy.Readers.Min))
	}
	if s.OtherPoolShape.InstanceClass == "" {
		s.OtherPoolShape.InstanceClass = s.InitialShape.InstanceClass
		if other := s.allowedClasses(s.otherPool()); len(other) > 0 {
			s.OtherPoolShape.InstanceClass = other[0]
		} else if s.Pool == scaling.Readers {
			s.OtherPoolShape.InstanceClass = ladder[0] // a reader of the smallest class can then be promoted
		}
	}
	if s.Pool == scaling.Readers {
		s.OtherPoolShape.Count = 1
	}
	return s
}

// endTime is when the simulation ends.
func (s Setup) endTime() time.Time {
	if end := s.Recording.End(); s.ScoredUntil.IsZero() || s.ScoredUntil.After(end) {
		return end
	}
	return s.ScoredUntil
}

// otherPool is the pool that was not recorded.
func (s Setup) otherPool() scaling.Pool {
	if s.Pool == scaling.Readers {
		return scaling.Writer
	}
	return scaling.Readers
}

// allowedClasses are the instance classes that the policy allows a pool, smallest first.
func (s Setup) allowedClasses(pool scaling.Pool) []string {
	switch {
	case pool == scaling.Readers && s.Policy.Readers != nil:
		return s.Policy.Readers.InstanceClasses
	case pool == scaling.Writer && s.Policy.Writer != nil:
		return s.Policy.Writer.InstanceClasses
	}
	return nil
}

// orderableClasses are all classes that a run can use, in alphabetical order.
func (s Setup) orderableClasses() []string {
	all := map[string]bool{s.InitialShape.InstanceClass: true, s.OtherPoolShape.InstanceClass: true}
	for _, pool := range []scaling.Pool{scaling.Readers, scaling.Writer} {
		for _, class := range s.allowedClasses(pool) {
			all[class] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Scenario is the simulator's scenario of a setup, so that the operator can run in the same one. It starts at the minute in which the
// recording starts. The error says which part of the setup cannot be simulated.
func (s Setup) Scenario() (model.Scenario, error) {
	s, err := s.validated()
	if err != nil {
		return model.Scenario{}, err
	}
	target := s.Policy.Target
	database := model.Database{
		Identifier: target.Identifier, Region: target.Scope.Region, Engine: s.Engine, EngineVersion: engineVersion(s.Engine),
		PerformanceInsights: s.PerformanceInsights, Tags: map[string]string{scaling.TagOptIn: scaling.OptInAny},
	}
	start := s.Recording.Start.UTC().Truncate(time.Minute)
	load, gaps := newDemandCurve(s.Recording, start)
	otherVCPUs := classVCPUs(s.OtherPoolShape.InstanceClass, s.Engine)
	idle := model.Curve{Points: []model.CurvePoint{{VCPUs: idlePoolShare * otherVCPUs * float64(s.OtherPoolShape.Count)}}}
	database.Load = model.Load{Writer: idle, Readers: load}
	writer, readers := s.OtherPoolShape, s.InitialShape
	if s.Pool == scaling.Writer {
		database.Load = model.Load{Writer: load, Readers: idle}
		writer, readers = s.InitialShape, s.OtherPoolShape
	}
	if target.Kind == scaling.DBInstance {
		database.Class, database.MultiAZ, database.Load.Readers = writer.InstanceClass, s.MultiAZ, model.Curve{}
	} else {
		classes := append([]string{writer.InstanceClass}, slices.Repeat([]string{readers.InstanceClass}, readers.Count)...)
		for n, class := range classes {
			database.Instances = append(database.Instances, model.Member{
				Identifier: fmt.Sprintf("%s-%d", target.Identifier, n+1), Class: class, Tags: map[string]string{scaling.TagOptIn: scaling.OptInAny},
			})
		}
	}
	out := model.Scenario{
		Start: metav1.NewTime(start), Seed: s.Seed, AccountID: accountID, Retention: metav1.Duration{Duration: modelMetricRetention},
		Databases: []model.Database{database},
	}
	for _, gap := range gaps {
		out.MetricGaps = append(out.MetricGaps, model.MetricGap{
			Region: database.Region, From: model.Instant{Time: gap.from}, Until: model.Instant{Time: gap.until},
		})
	}
	return out, nil
}

// timeRange is the time from one instant until another, which is not included.
type timeRange struct{ from, until time.Time }

// newDemandCurve converts a recording to a demand curve and its gaps. Each value is placed in the middle of its interval, with
// straight lines between the values. In a gap the line runs to the next value, and the simulator publishes no metrics.
func newDemandCurve(r *recording.Recording, start time.Time) (model.Curve, []timeRange) {
	series := &model.RegularSeries{VCPUs: r.Demand, Interval: metav1.Duration{Duration: r.Interval}}
	series.From.Offset = r.Start.Add(r.Interval / 2).Sub(start)
	var gaps []timeRange
	for n, demand := range r.Demand {
		if !math.IsNaN(demand) {
			continue
		}
		gapStart := r.Start.Add(time.Duration(n) * r.Interval)
		if last := len(gaps) - 1; last >= 0 && gaps[last].until.Equal(gapStart) {
			gaps[last].until = gapStart.Add(r.Interval)
		} else {
			gaps = append(gaps, timeRange{gapStart, gapStart.Add(r.Interval)})
		}
	}
	if len(gaps) > 0 {
		series.VCPUs = interpolateGaps(r.Demand)
	}
	return model.Curve{Series: series}, gaps
}

// interpolateGaps fills the gaps (NaN) of a demand with straight lines. At either end it repeats the nearest recorded value.
func interpolateGaps(demand []float64) []float64 {
	out := slices.Clone(demand)
	lastKnown := -1 // index of the last recorded value
	for n, v := range demand {
		if math.IsNaN(v) {
			continue
		}
		for k := lastKnown + 1; k < n; k++ {
			out[k] = v
			if lastKnown >= 0 {
				out[k] = demand[lastKnown] + (v-demand[lastKnown])*float64(k-lastKnown)/float64(n-lastKnown)
			}
		}
		lastKnown = n
	}
	for k := lastKnown + 1; k < len(out) && lastKnown >= 0; k++ {
		out[k] = demand[lastKnown]
	}
	return out
}

// classVCPUs is the number of vCPUs of one instance of a class; zero if the catalog does not contain the class.
func classVCPUs(class, engine string) float64 {
	instanceClass, err := catalog.Find(class)
	if err != nil {
		return 0
	}
	return instanceClass.VCPUFor(engine)
}

// engineVersion returns the version of a simulated database. As in all current versions, its readers stay in service while the writer
// restarts.
func engineVersion(engine string) string {
	if engine == "aurora-mysql" {
		return "8.0.mysql_aurora.3.08.0"
	}
	return "16.1"
}
