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
	// idlePoolShare is the load of the pool that the recording is not of, as a share of its vCPUs: it is there and does not matter.
	idlePoolShare = 0.1
	// modelMetricRetention is how long the model keeps metrics: longer than anything reads back, and clears up once a day.
	modelMetricRetention = 26 * time.Hour
	// accountID owns the database in the model.
	accountID = "123456789012"
)

// Setup is what a backtest plays: a policy, and the load that its database is put under.
type Setup struct {
	// Policy is what decides. Its mode and what a person asked for by annotation are left out of account: it always acts.
	Policy    scaling.Policy
	Recording *recording.Recording
	// Pool is the one that the recording is of.
	Pool scaling.Pool
	// InitialShape is what that pool consists of at the beginning.
	InitialShape scaling.Shape
	// OtherPoolShape is what the other pool of a cluster consists of. It carries next to nothing. Zero readers are allowed.
	OtherPoolShape scaling.Shape
	// Engine as the RDS API writes it; aurora-postgresql, or postgres for a DBInstance, unless set.
	Engine string
	// MultiAZ says whether a DBInstance has a standby.
	MultiAZ bool
	// PerformanceInsights says that DBLoadCPU is published.
	PerformanceInsights bool
	// ScoredFrom is when scoring begins, and Until when it ends; zero is the beginning, and the end, of the recording. What comes before is
	// played, so that the policy has a past.
	ScoredFrom, ScoredUntil time.Time
	// Seed draws how long each change takes. The same seed gives the same run.
	Seed int64
}

// validated fills in what was left out, and says what cannot be played.
func (s Setup) validated() (Setup, error) {
	p := &s.Policy
	p.Mode, p.ManualControl = scaling.Enforce, scaling.ManualControl{}
	switch {
	case s.Recording == nil || len(s.Recording.Demand) == 0:
		return s, errors.New("there is no recording to play")
	case p.Serverless:
		return s, errors.New("spec.serverless: Aurora Serverless v2 cannot be played yet: its capacity follows the load by itself")
	case p.Target.Kind == scaling.DBInstance && s.Pool == scaling.Readers:
		return s, errors.New("read replicas of a DBInstance cannot be played yet: play its writer")
	case s.Pool == scaling.Readers && p.Readers == nil:
		return s, errors.New("the recording is of the readers, and the policy has no spec.readers")
	case s.Pool == scaling.Writer && p.Writer == nil:
		return s, errors.New("the recording is of the writer, and the policy has no spec.writer")
	}
	if p.Target.Kind == scaling.DBInstance {
		p.Readers = nil // read replicas are not played
	}
	s.Engine = cmp.Or(s.Engine, map[scaling.TargetKind]string{scaling.DBInstance: "postgres"}[p.Target.Kind], "aurora-postgresql")
	if p.Target.Kind == scaling.DBCluster && !strings.HasPrefix(s.Engine, "aurora-") {
		return s, fmt.Errorf("%s: a Multi-AZ DB cluster cannot be played yet", s.Engine)
	}
	s = s.withInitialShapes()
	for _, class := range s.orderableClasses() {
		if known, err := catalog.Lookup(class); err != nil {
			return s, err
		} else if !known.Supports(s.Engine) {
			return s, fmt.Errorf("%s does not run on %s", class, s.Engine)
		}
	}
	return s, nil
}

// withInitialShapes fills in what the pools consist of at the beginning.
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
			s.OtherPoolShape.InstanceClass = ladder[0] // so that the successor of the writer may be as small as the ladder has it
		}
	}
	if s.Pool == scaling.Readers {
		s.OtherPoolShape.Count = 1
	}
	return s
}

// endTime is when playing ends.
func (s Setup) endTime() time.Time {
	if end := s.Recording.End(); s.ScoredUntil.IsZero() || s.ScoredUntil.After(end) {
		return end
	}
	return s.ScoredUntil
}

// otherPool is the pool that the recording is not of.
func (s Setup) otherPool() scaling.Pool {
	if s.Pool == scaling.Readers {
		return scaling.Writer
	}
	return scaling.Readers
}

// allowedClasses is the classes that the policy allows a pool.
func (s Setup) allowedClasses(pool scaling.Pool) []string {
	switch {
	case pool == scaling.Readers && s.Policy.Readers != nil:
		return s.Policy.Readers.InstanceClasses
	case pool == scaling.Writer && s.Policy.Writer != nil:
		return s.Policy.Writer.InstanceClasses
	}
	return nil
}

// orderableClasses is every class that may come up.
func (s Setup) orderableClasses() []string {
	all := map[string]bool{s.InitialShape.InstanceClass: true, s.OtherPoolShape.InstanceClass: true}
	for _, pool := range []scaling.Pool{scaling.Readers, scaling.Writer} {
		for _, class := range s.allowedClasses(pool) {
			all[class] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Scenario is the world that a setup is played in, so that the operator can be run in the same one. It begins on the minute in which
// the recording does. The error says what of the setup makes no sense.
func (s Setup) Scenario() (model.Scenario, error) {
	s, err := s.validated()
	if err != nil {
		return model.Scenario{}, err
	}
	target := s.Policy.Target
	d := model.Database{
		Identifier: target.Identifier, Region: target.Scope.Region, Engine: s.Engine, EngineVersion: "16.1", PerformanceInsights: s.PerformanceInsights,
		Tags: map[string]string{scaling.TagOptIn: "*"},
	}
	begin := s.Recording.Start.UTC().Truncate(time.Minute)
	load, gaps := newDemandCurve(s.Recording, begin)
	idle := model.Curve{Points: []model.CurvePoint{{VCPUs: idlePoolShare * classVCPUs(s.OtherPoolShape.InstanceClass, s.Engine) * float64(s.OtherPoolShape.Count)}}}
	d.Load = model.Load{Writer: idle, Readers: load}
	writer, readers := s.OtherPoolShape, s.InitialShape
	if s.Pool == scaling.Writer {
		d.Load = model.Load{Writer: load, Readers: idle}
		writer, readers = s.InitialShape, s.OtherPoolShape
	}
	if target.Kind == scaling.DBInstance {
		d.Class, d.MultiAZ, d.Load.Readers = writer.InstanceClass, s.MultiAZ, model.Curve{}
	} else {
		classes := append([]string{writer.InstanceClass}, slices.Repeat([]string{readers.InstanceClass}, readers.Count)...)
		for n, class := range classes {
			d.Instances = append(d.Instances, model.Member{
				Identifier: fmt.Sprintf("%s-%d", target.Identifier, n+1), Class: class, Tags: map[string]string{scaling.TagOptIn: "*"},
			})
		}
	}
	out := model.Scenario{
		Start: metav1.NewTime(begin), Seed: s.Seed, AccountID: accountID, Retention: metav1.Duration{Duration: modelMetricRetention}, Databases: []model.Database{d},
	}
	for _, g := range gaps {
		out.MetricGaps = append(out.MetricGaps, model.MetricGap{
			Region: d.Region, From: model.Instant{Time: g.from}, Until: model.Instant{Time: g.until},
		})
	}
	return out, nil
}

// timeRange is a stretch of time.
type timeRange struct{ from, until time.Time }

// newDemandCurve turns a recording into a demand: each value stands in the middle of its interval, with straight lines between them. Where
// nothing was recorded the line goes on to the next value, and nobody is told of it.
func newDemandCurve(r *recording.Recording, begin time.Time) (model.Curve, []timeRange) {
	even := &model.RegularSeries{VCPUs: r.Demand, Interval: metav1.Duration{Duration: r.Interval}}
	even.From.Offset = r.Start.Add(r.Interval / 2).Sub(begin)
	var gaps []timeRange
	for n, demand := range r.Demand {
		if !math.IsNaN(demand) {
			continue
		}
		at := r.Start.Add(time.Duration(n) * r.Interval)
		if last := len(gaps) - 1; last >= 0 && gaps[last].until.Equal(at) {
			gaps[last].until = at.Add(r.Interval)
		} else {
			gaps = append(gaps, timeRange{at, at.Add(r.Interval)})
		}
	}
	if len(gaps) > 0 {
		even.VCPUs = interpolateGaps(r.Demand)
	}
	return model.Curve{Series: even}, gaps
}

// interpolateGaps is a demand with straight lines over its gaps.
func interpolateGaps(demand []float64) []float64 {
	out := slices.Clone(demand)
	last := -1 // the last that is known
	for n, v := range demand {
		if math.IsNaN(v) {
			continue
		}
		for k := last + 1; k < n; k++ {
			out[k] = v
			if last >= 0 {
				out[k] = demand[last] + (v-demand[last])*float64(k-last)/float64(n-last)
			}
		}
		last = n
	}
	for k := last + 1; k < len(out) && last >= 0; k++ {
		out[k] = demand[last]
	}
	return out
}

// classVCPUs of an instance of a class; zero when the catalogue does not know it.
func classVCPUs(class, engine string) float64 {
	known, err := catalog.Lookup(class)
	if err != nil {
		return 0
	}
	return float64(known.VCPUFor(engine))
}
