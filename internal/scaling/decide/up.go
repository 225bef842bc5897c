package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// blindGrowth is by how much a saturated pool grows whose demand nothing shows: by this factor, then it is looked at again.
	blindGrowth = 2
	// ineffectiveAfter is how many times in a row growing may change nothing before it is no longer tried.
	ineffectiveAfter = 3
	// ineffectiveFor is how long it is then not tried.
	ineffectiveFor = 24 * time.Hour
	// ineffectiveShare is how much of the utilization is left when growing is said to have changed nothing.
	ineffectiveShare = 0.9
)

// trigger is why a pool is too small.
type trigger struct {
	reason scaling.Reason
	text   string // stays the same while the reason does
}

// threshold is the utilization at which the pool is too small. It is lower for a time after an engine upgrade, for as long
// as the pool is what it was before: once it was sized for what the queries cost now, it is as good as any.
func (s *scene) threshold() int {
	p, o := s.policy, s.observation
	resized := slices.ContainsFunc(o.History, func(past scaling.Past) bool {
		return past.Pool == s.pool && past.Direction == scaling.Up && past.Succeeded && past.Started.After(o.UpgradedAt)
	})
	if !watched(p, o, s.now) || resized || p.AfterUpgrade.ScaleUp == 0 {
		return p.CPU.ScaleUp
	}
	return min(p.CPU.ScaleUp, max(p.AfterUpgrade.ScaleUp, p.CPU.Target+1))
}

// watched says whether the engine was upgraded so recently that its queries are not trusted yet.
func watched(p *scaling.Policy, o *scaling.Observation, now time.Time) bool {
	return !o.UpgradedAt.IsZero() && now.Before(o.UpgradedAt.Add(p.AfterUpgrade.Length))
}

// tooSmall says why a pool is too small, or nothing.
func (s *scene) tooSmall() *trigger {
	at := s.threshold()
	l := s.load
	window := seconds(s.policy.ScaleUp.Window)
	switch {
	case l.Carrying == 0 && l.Demand > 0:
		return &trigger{scaling.ReasonScaleUp, "Nothing would be left with one reader lost"}
	case l.Utilization >= float64(at)-rounding:
		return &trigger{scaling.ReasonScaleUp, fmt.Sprintf("The %s have averaged %d%% CPU or more for %s", noun(s.pool), at, window)}
	case l.Emergency:
		return &trigger{scaling.ReasonScaleUp, fmt.Sprintf("The %s are saturated", noun(s.pool))}
	case s.hot():
		return &trigger{scaling.ReasonScaleUp, fmt.Sprintf(
			"One of the %s has averaged %d%% CPU or more for %s", noun(s.pool), HotPercent, window)}
	case percentOf(max(l.Trend, l.Season), l.Carrying) >= float64(at)-rounding:
		return &trigger{scaling.ReasonScaleUpAhead, fmt.Sprintf(
			"The %s will reach %d%% CPU before a new size could be in service", noun(s.pool), at)}
	}
	return nil
}

// grow proposes the preferred shape that carries the demand at the target utilization, or the largest when none does.
func (s *scene) grow(why trigger) (*scaling.Proposal, scaling.Hold) {
	s.list()
	need := s.growthNeed()
	best := s.pick(need, s.market.foreign)
	if best == nil || best.Verdict != scaling.Fits { // of the present family, nothing fits: what it costs comes second
		if other := s.pick(need, func(rung) bool { return false }); best == nil || s.carrying(other) > s.carrying(best) {
			best = other
		}
	}
	if best == nil {
		return nil, s.nothingLarger(why)
	}
	if best.Verdict == scaling.Fits && best.Resized > 0 && s.pool == scaling.Readers && s.policy.Readers.Preference != scaling.Vertical {
		if more := s.stretch(); more != nil {
			best = more
		}
	}
	if best.Verdict == scaling.Fits {
		best = s.settle(best, need)
	}
	best.Verdict = scaling.Chosen
	if ineffective(s.policy, s.observation, s.pool, s.now) {
		return nil, scaling.Hold{Reason: scaling.ReasonScalingIneffective, Message: fmt.Sprintf(
			"%s, and growing %d times in the last day has not lowered it. Look at what the database is doing: more vCPUs do not help. "+
				"Growing is tried again once a day has passed", why.text, ineffectiveAfter)}
	}
	message := fmt.Sprintf("%s: %s → %s", why.text, s.shape(), best.Shape)
	return s.propose(why.reason, scaling.Up, best, message, s.growthCause(need, best)), scaling.Hold{}
}

// stretched is the utilization up to which readers of the present class will do where the alternative is to resize them: half way
// from the target to the threshold.
func (s *scene) stretched() float64 { return float64(s.policy.CPU.Target+s.policy.CPU.ScaleUp) / 2 }

// stretch is the preferred candidate that only adds readers and would do when stretched; nil when there is none.
func (s *scene) stretch() *candidate {
	var best *candidate
	for n := range s.candidates {
		c := &s.candidates[n]
		if c.Verdict == scaling.TooSmall && c.Resized == 0 && c.Predicted <= s.stretched()+rounding && s.fits(c) == "" && s.preferred(c, best) {
			best = c
		}
	}
	return best
}

// growthNeed is the demand that a larger shape has to carry: the peak of the window, more where the demand is hidden by
// saturation, and no less than what is foreseen.
func (s *scene) growthNeed() float64 {
	need := max(s.load.Demand, s.load.Trend, s.load.Season)
	if s.policy.Foresight.History { // and what comes in the hour after that
		lead := leadTime(s.observation.History, s.pool)
		need = max(need, season(s.observation, s.pool, s.now, lead+time.Hour))
	}
	if s.load.Hidden {
		need = max(need, blindGrowth*s.load.Capacity*float64(s.policy.CPU.Target)/100)
	}
	return need
}

// pick gives every candidate its verdict for a growth and returns the preferred one that fits, or else the largest that is only too
// small.
func (s *scene) pick(need float64, foreign func(rung) bool) *candidate {
	var fits, most *candidate
	for n := range s.candidates {
		c := &s.candidates[n]
		c.Predicted = s.predict(c, need)
		c.Verdict = s.judge(c, foreign)
		tooSmall := c.Verdict == scaling.TooSmall || c.Verdict == scaling.TooSmallForHottest
		switch {
		case c.Verdict == scaling.Fits && s.preferred(c, fits):
			fits = c
		case tooSmall && s.carriesMore(c, most) && s.fits(c) == "":
			most = c
		}
	}
	if fits != nil {
		return fits
	}
	return most
}

// carriesMore says whether a candidate carries more than another, which may be none, or as much and is preferred.
func (s *scene) carriesMore(a, b *candidate) bool {
	if b == nil || s.carrying(a) != s.carrying(b) {
		return b == nil || s.carrying(a) > s.carrying(b)
	}
	return s.preferred(a, b)
}

// judge says what is to be said against a candidate for a growth.
func (s *scene) judge(c *candidate, foreign func(rung) bool) scaling.Verdict {
	if s.carrying(c) <= s.load.Carrying {
		return scaling.WrongDirection
	}
	if v := s.refuse(c); v != "" {
		return v
	}
	switch {
	case foreign(*c.rung):
		return scaling.PriceUnknown
	case c.Predicted > float64(s.policy.CPU.Target)+rounding:
		return scaling.TooSmall
	case s.hot() && percentOf(s.load.HottestDemand*float64(len(s.all)), c.VCPUs) > float64(s.policy.CPU.ScaleUp)+rounding:
		return scaling.TooSmallForHottest // the load stays as uneven as it is
	}
	return cmp.Or(s.fits(c), scaling.Fits)
}

// hot says whether one reader is too hot, whatever the others carry.
func (s *scene) hot() bool { return len(s.all) > 1 && s.load.Hottest >= HotPercent-rounding }

// nothingLarger says why a pool that is too small stays as it is.
func (s *scene) nothingLarger(why trigger) scaling.Hold {
	refused := s.refused()
	if len(refused) == 0 {
		return scaling.Hold{Reason: scaling.ReasonAtMaximum, Message: fmt.Sprintf(
			"%s, and they (%s) are already as large as the policy allows. Raise the limits in the policy, or lower the load", why.text, s.shape())}
	}
	return scaling.Hold{Reason: scaling.ReasonNothingFits, Message: fmt.Sprintf("%s, and no larger shape may be taken now: %s",
		why.text, because(refused...))}
}

func (s *scene) growthCause(need float64, best *candidate) string {
	l := s.load
	of := "CPU"
	if l.Utilization > 100 { // what DBLoadCPU shows beyond saturation, or of what is left with one reader lost
		of = "of capacity"
	}
	text := fmt.Sprintf("%s at %.0f%% %s over %s (threshold %d%%), demand %.1f vCPU%s", noun(s.pool), l.Utilization, of,
		seconds(s.policy.ScaleUp.Window), s.threshold(), l.Demand, atLeast(l.Hidden))
	if ahead := max(l.Trend, l.Season); ahead > l.Demand {
		text += fmt.Sprintf(", %.1f foreseen", ahead)
	}
	return text + fmt.Sprintf("; for %.1f vCPU %s would run at %.0f%%, %d%% is the target", need, best.Shape, best.Predicted,
		s.policy.CPU.Target)
}

// ineffective says whether the last times that the pool grew, all within a day, its utilization stayed where it was.
func ineffective(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) bool {
	n := 0
	for _, past := range o.History {
		if past.Pool != pool || past.Direction == scaling.Cleanup || !past.Succeeded {
			continue
		}
		changedNothing := past.Before != nil && past.After != nil && *past.Before > 0 &&
			float64(*past.After) >= ineffectiveShare*float64(*past.Before) && *past.After >= p.CPU.ScaleUp
		if past.Direction != scaling.Up || !changedNothing || now.Sub(past.Completed) >= ineffectiveFor {
			return false
		}
		if n++; n == ineffectiveAfter {
			return true
		}
	}
	return false
}
