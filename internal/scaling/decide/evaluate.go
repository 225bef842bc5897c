// Package decide works out which shape a database should have. It is pure: the same policy, observation and time give
// the same decision.
package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Interval is how often a decision wants to be made again: RDS publishes a new sample every minute.
const Interval = time.Minute

// Evaluate says what should change, or why nothing should. It knows nothing of cooldowns, limits on operations and busy
// databases: those are guards. Readers come first on the way up and last on the way down, so that the writer always has
// a reader that can take over.
func Evaluate(p scaling.Policy, o scaling.Observation, now time.Time) scaling.Decision {
	d := scaling.Decision{RequeueAfter: Interval, Pools: make([]scaling.Assessment, 0, 2)}
	if o.Whole {
		o = asOne(o)
	}
	for _, pool := range []scaling.Pool{scaling.Readers, scaling.Writer} {
		assessment, proposal := evaluate(&p, &o, pool, now)
		if proposal != nil {
			d.Proposals = append(d.Proposals, *proposal)
		}
		d.Pools = append(d.Pools, assessment)
	}
	if vcpus := successorWanted(&p, &o, &d); vcpus > 0 {
		raiseSuccessor(&p, &o, &d, vcpus, now)
	}
	if proposal := leftover(&p, &o, now); proposal != nil {
		d.Proposals = append(d.Proposals, *proposal)
	}
	urgentFirst(d.Proposals)
	if len(d.Proposals) == 0 {
		d.Hold = gravest(d.Pools)
	}
	return d
}

// evaluate looks at one pool.
func evaluate(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) (scaling.Assessment, *scaling.Proposal) {
	a := scaling.Assessment{Load: scaling.Load{Pool: pool}, Scaled: scaled(p, pool)}
	wish := p.Wish.Wanted(pool, now)
	s, err := newScene(p, o, pool, now)
	if err != nil {
		if a.Scaled || wish != nil {
			a.Hold = scaling.Hold{Reason: scaling.ReasonUnknownClass, Message: fmt.Sprintf(
				"The %s cannot be sized: %v. Nothing changes", noun(pool), err)}
		}
		return a, nil
	}
	a.Load = s.load
	var proposal *scaling.Proposal
	switch {
	case wish != nil:
		proposal, a.Hold = s.obey(*wish, stamp(p.Wish.Override.Until))
	case a.Scaled:
		proposal, a.Hold = s.decide()
	default:
		return a, nil
	}
	a.Need = s.load.Demand
	if proposal != nil {
		a.Need = proposal.Demand
	}
	a.Candidates = s.shown
	return a, proposal
}

// scaled says whether the policy scales a pool.
func scaled(p *scaling.Policy, pool scaling.Pool) bool {
	if pool == scaling.Writer {
		return p.Writer != nil
	}
	return p.Readers != nil
}

// newScene looks everything up that the candidates of a pool are held against. The error says which class is not known.
func newScene(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) (*scene, error) {
	all, err := members(o, pool)
	if err != nil {
		return nil, err
	}
	s := &scene{policy: p, observation: o, now: now, pool: pool, all: all, load: assess(p, o, pool, all, now)}
	if !scaled(p, pool) {
		return s, nil
	}
	if s.rungs, err = ladder(p, o, pool, all, now); err != nil {
		return nil, err
	}
	return s, nil
}

// list lists the candidates, with what they are held against, unless that was done.
func (s *scene) list() {
	if s.candidates == nil {
		s.market = newMarket(s.policy, s.observation, s.all, s.rungs)
		s.successor = successor(s.policy, s.observation, s.pool)
		s.candidates, s.shown = candidates(s.policy, s.all, s.pool, s.rungs)
	}
}

// decide looks at the load, then at the limits and schedules.
func (s *scene) decide() (*scaling.Proposal, scaling.Hold) {
	open, err := floorOf(s.policy, s.observation.Engine, s.pool, s.now)
	soon, errSoon := floorOf(s.policy, s.observation.Engine, s.pool, s.now.Add(floorAhead))
	if err := cmp.Or(err, errSoon); err != nil {
		return nil, scaling.Hold{Reason: scaling.ReasonInvalidSchedule, Message: fmt.Sprintf("%v. Nothing changes", err)}
	}
	s.floor = open
	hold := s.blind()
	if hold.Reason == "" {
		if why := s.tooSmall(); why != nil {
			proposal, growth := s.grow(*why)
			if proposal != nil || growth.Reason == scaling.ReasonScalingIneffective {
				return proposal, growth
			}
			hold = growth
		}
	}
	proposal, below := s.ontoFloor(open)
	if proposal != nil {
		return proposal, scaling.Hold{}
	}
	if hold = cmp.Or(hold, below); hold.Reason != "" {
		return nil, hold
	}
	if tooLarge(s.policy, s.load) {
		s.floor = open.and(soon)
		return s.shrink()
	}
	return nil, scaling.Hold{Reason: scaling.ReasonWithinBand, Message: fmt.Sprintf(
		"The %s (%s) stay between %d%% and %d%% CPU, or have not been below for %s", noun(s.pool), s.shape(), s.policy.CPU.ScaleDown,
		s.threshold(), seconds(s.policy.ScaleDown.Window))}
}

// blind says why the load of a pool is not known, or nothing.
func (s *scene) blind() scaling.Hold {
	switch {
	case s.load.Fresh:
		return scaling.Hold{}
	case s.load.SettledAt.IsZero():
		return scaling.Hold{Reason: scaling.ReasonSettling, Message: fmt.Sprintf(
			"The %s (%s) are changing: watching what they carry once all are in service", noun(s.pool), s.shape())}
	case s.now.Before(s.load.SettledAt):
		return scaling.Hold{Reason: scaling.ReasonSettling, Message: fmt.Sprintf(
			"The %s (%s) have just changed, or were just seen for the first time: watching what they carry until %s",
			noun(s.pool), s.shape(), stamp(s.load.SettledAt))}
	}
	return scaling.Hold{Reason: scaling.ReasonMetricsMissing, Message: fmt.Sprintf(
		"CPU samples of the %s are missing: at least %.0f%% of the last %s must have been published and be newer than %s. "+
			"Nothing changes until they are back", noun(s.pool), 100*coverage, seconds(s.policy.ScaleUp.Window), seconds(scaling.Stale))}
}

// leftover proposes to remove surge readers that outlived their operation, once the others carry the load without them.
// It does so also where the policy otherwise leaves the readers alone: they are the operator's own.
func leftover(p *scaling.Policy, o *scaling.Observation, now time.Time) *scaling.Proposal {
	if !slices.ContainsFunc(o.Instances, func(i scaling.Instance) bool { return i.Surge() != "" }) {
		return nil
	}
	all, err := members(o, scaling.Readers)
	if err != nil {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(m member) bool { return m.Surge() != "" })
	least := 1
	if p.Readers != nil {
		least = p.Readers.Min
	}
	if len(rest) == len(all) || len(rest) < least {
		return nil
	}
	load := assess(p, o, scaling.Readers, all, now)
	if !load.Fresh || load.Censored || percentOf(load.Demand, capacity(rest)) > float64(p.CPU.Target)+rounding {
		return nil
	}
	current, to := shapeOf(all), shapeOf(rest)
	text := fmt.Sprintf("%d surge reader(s) outlived their operation and the others carry the load: %s → %s",
		len(all)-len(rest), current, to)
	return &scaling.Proposal{Reason: scaling.ReasonSurgeLeftover, Message: text, Cause: text, Change: scaling.Change{
		Pool: scaling.Readers, Direction: scaling.Cleanup, From: current, To: to, Demand: load.Demand, Utilization: load.Utilization,
	}}
}

// shape is what the pool consists of now.
func (s *scene) shape() scaling.Shape { return shapeOf(s.all) }

// shapeOf is what instances come to: without a class when they differ.
func shapeOf(all []member) scaling.Shape {
	shape := scaling.Shape{Count: len(all)}
	for n := range all {
		if n == 0 {
			shape.InstanceClass = all[n].Class
		} else if shape.InstanceClass != all[n].Class {
			shape.InstanceClass = ""
		}
	}
	return shape
}

func (s *scene) propose(reason scaling.Reason, direction scaling.Direction, to *candidate, message, cause string) *scaling.Proposal {
	return &scaling.Proposal{
		Reason: reason, Message: message, Cause: cause, Emergency: direction == scaling.Up && s.load.Emergency,
		Change: scaling.Change{
			Pool: s.pool, Direction: direction, From: s.shape(), To: to.Shape, Demand: s.load.Demand, Utilization: s.load.Utilization,
		},
	}
}
