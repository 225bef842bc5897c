package decide

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// calm is how long after a pool has changed, an instance of it has restarted or the writer has failed over nothing shrinks,
// however short the scale-down window is.
const calm = time.Hour

// shrink proposes the preferred cheaper shape that carries the peak of the whole window, and what is foreseen, at the target
// utilization, and has room for the memory and connections that there are.
func (s *scene) shrink() (*scaling.Proposal, scaling.Hold) {
	s.list()
	low := s.load.Low
	need := max(low.Peak, low.Season, s.load.Trend, s.load.Season)
	var best *candidate
	for n := range s.candidates {
		c := &s.candidates[n]
		c.Predicted = s.predict(c, need)
		c.Verdict = s.judgeSmaller(c)
		if c.Verdict == scaling.Fits && s.preferred(c, best) {
			best = c
		}
	}
	if best == nil {
		return nil, s.nothingSmaller()
	}
	best = s.settle(best, need)
	best.Verdict = scaling.Chosen
	if hold := s.tooSoon(); hold != nil {
		return nil, *hold
	}
	message := fmt.Sprintf("The %s have been below %d%% CPU for %s: %s → %s",
		noun(s.pool), s.policy.CPU.ScaleDown, seconds(s.policy.ScaleDown.Window), s.shape(), best.Shape)
	cause := fmt.Sprintf("%s peaked at %.0f%% CPU over %s (threshold %d%%), demand %.1f vCPU; for %.1f vCPU %s would run at %.0f%%",
		noun(s.pool), percentOf(low.Peak, s.load.Carrying), seconds(s.policy.ScaleDown.Window), s.policy.CPU.ScaleDown, low.Peak,
		need, best.Shape, best.Predicted)
	return s.propose(scaling.ReasonScaleDown, scaling.Down, best, message, cause), scaling.Hold{}
}

// judgeSmaller says what is to be said against a candidate for shrinking.
func (s *scene) judgeSmaller(c *candidate) scaling.Verdict {
	if s.carrying(c) >= s.load.Carrying || c.VCPUs >= s.load.Capacity || !s.inKeeping(c, len(s.all)) {
		return scaling.WrongDirection
	}
	if v := s.refuse(c); v != "" {
		return v
	}
	switch {
	case s.market.foreign(*c.rung):
		return scaling.PriceUnknown
	case s.market.cost(c) >= s.market.now:
		return scaling.Dearer
	case c.Predicted > float64(s.policy.CPU.Target)+rounding:
		return scaling.TooSmall
	}
	return cmp.Or(s.fits(c), s.resizingPays(c), scaling.Fits)
}

// resizingPays says what is to be said against a smaller shape that resizes instances. It has to last for a day: itself, where it
// saves little, or where it saves a third with as many readers as the policy allows, since they come and go with the hours.
func (s *scene) resizingPays(c *candidate) scaling.Verdict {
	switch {
	case c.Resized == 0:
		return ""
	case s.worth(c, c.Resized) <= s.market.now+rounding || s.pool == scaling.Writer:
		if s.lasts(s.most(c)) {
			return ""
		}
		return scaling.TooSmallForDay
	case little*s.market.cost(c) > s.market.now+rounding || !s.lasts(c):
		return scaling.Dearer
	}
	return ""
}

// little is how many times what it will cost a shape must cost now before readers are resized in order to save.
const little = 1.2

// most is the largest shape of a candidate's class.
func (s *scene) most(c *candidate) *candidate {
	for n := range s.candidates {
		if other := &s.candidates[n]; other.rung == c.rung && other.Shape.Count > c.Shape.Count {
			c = other
		}
	}
	return c
}

// lasts says whether a shape would have carried all of the window for a change of class, and carries what earlier days let expect of
// the next.
func (s *scene) lasts(c *candidate) bool {
	fits := func(demand float64) bool {
		return percentOf(demand, s.carrying(c)) <= float64(s.policy.CPU.Target)+rounding
	}
	if s.classLow == nil { // it is long, and seldom asked for
		l := s.lowForClass(max(s.policy.ScaleDown.Window, s.policy.ClassWindow))
		l.Season = -1
		s.classLow = &l
	}
	l := s.classLow
	if !l.Complete || l.Censored || !fits(l.Peak) {
		return false
	}
	if l.Season < 0 && s.policy.Foresight.History {
		l.Season = season(s.observation, s.pool, s.now, day)
	}
	return fits(l.Season)
}

// lowForClass sums up the window for a change of class: by the minute where the pool has been the same for so long, and otherwise by
// the quarter of an hour, which is what is known of the shapes that it had before.
func (s *scene) lowForClass(window time.Duration) scaling.Low {
	if since := s.observation.Since(s.pool); s.now.Sub(since) > window {
		if l := low(look(s.all, since, s.now, window), s.now); l.Complete {
			return l
		}
	}
	cpu, shapes := roleHistory(s.observation, s.pool)
	l := s.load.Low
	end := s.now.Add(-unpublished).Truncate(quarter)
	begin := end.Add(-window).Truncate(quarter)
	cpu = cpu[cpu.From(begin):]
	for at := begin; at.Before(end); at = at.Add(quarter) {
		if len(cpu) == 0 || !cpu[0].At.Equal(at) || !scaling.Number(cpu[0].Value) {
			return scaling.Low{}
		}
		vcpus, known := capacityOf(shapes, at, at.Add(quarter), math.Max)
		if !known {
			return scaling.Low{}
		}
		l.Censored = l.Censored || cpu[0].Value >= CensoredPercent
		l.Peak = max(l.Peak, min(cpu[0].Value, 100)/100*vcpus)
		cpu = cpu[1:]
	}
	return l
}

// tooSoon says why a pool that could shrink has to wait, or nothing.
func (s *scene) tooSoon() *scaling.Hold {
	if watched(s.policy, s.observation, s.now) {
		return &scaling.Hold{Reason: scaling.ReasonUpgradeWatch, Message: fmt.Sprintf(
			"The %s (%s) could be smaller. The engine was upgraded at %s: nothing shrinks until %s", noun(s.pool), s.shape(),
			stamp(s.observation.UpgradedAt), stamp(s.observation.UpgradedAt.Add(s.policy.AfterUpgrade.Length)))}
	}
	if until := s.observation.Since(s.pool).Add(calm); s.now.Before(until) {
		return &scaling.Hold{Reason: scaling.ReasonSettling, Message: fmt.Sprintf(
			"The %s (%s) could be smaller, and have changed or restarted a short time ago: nothing shrinks until %s",
			noun(s.pool), s.shape(), stamp(until))}
	}
	return nil
}

// nothingSmaller says why a pool that is too large stays as it is.
func (s *scene) nothingSmaller() scaling.Hold {
	refused := s.refused()
	if len(refused) == 0 {
		return scaling.Hold{Reason: scaling.ReasonAtMinimum, Message: fmt.Sprintf(
			"The %s (%s) are below %d%% CPU, and the policy allows nothing smaller", noun(s.pool), s.shape(), s.policy.CPU.ScaleDown)}
	}
	return scaling.Hold{Reason: scaling.ReasonAtMinimum, Message: fmt.Sprintf(
		"The %s (%s) are below %d%% CPU, and nothing smaller would do: %s", noun(s.pool), s.shape(), s.policy.CPU.ScaleDown, because(refused...))}
}
