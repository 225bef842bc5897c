package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// dimension is one thing about a policy that may be otherwise.
type dimension struct {
	name string
	// vary lists the policies that differ from one in this alone, with what to say about each.
	vary func(Found) []variant
}

type variant struct {
	Found
	what string
}

// choices lists the alternatives to a policy in a dimension.
func (d dimension) choices(of Found) []Found {
	var out []Found
	for _, v := range d.vary(of) {
		f := v.Found
		f.Changed = slices.DeleteFunc(slices.Clone(of.Changed), func(text string) bool { return strings.HasPrefix(text, d.name+":") })
		f.Changed = append(f.Changed, d.name+": "+v.what)
		out = append(out, f)
	}
	return out
}

// dimensions are gone through in this order: what a pool may be comes first, then when it changes.
var dimensions = []dimension{
	{"ladder", ladders},
	{"counts", counts},
	{"thresholds", func(f Found) []variant {
		var out []variant
		for _, cpu := range []scaling.CPU{
			{Target: 45, ScaleUp: 60, ScaleDown: 30}, {Target: 50, ScaleUp: 65, ScaleDown: 35}, {Target: 55, ScaleUp: 70, ScaleDown: 40},
			{Target: 60, ScaleUp: 75, ScaleDown: 45}, {Target: 65, ScaleUp: 75, ScaleDown: 50}, {Target: 65, ScaleUp: 80, ScaleDown: 50},
			{Target: 70, ScaleUp: 80, ScaleDown: 55}, {Target: 75, ScaleUp: 85, ScaleDown: 60},
		} {
			v := f
			v.Policy.CPU = cpu
			out = append(out, variant{v, fmt.Sprintf("target %d%%, up at %d%%, down at %d%%", cpu.Target, cpu.ScaleUp, cpu.ScaleDown)})
		}
		return out
	}},
	{"scale-up window", windows(func(p *scaling.Policy) *time.Duration { return &p.ScaleUp.Window },
		time.Minute, 2*time.Minute, 5*time.Minute)},
	{"scale-down window", windows(func(p *scaling.Policy) *time.Duration { return &p.ScaleDown.Window },
		30*time.Minute, time.Hour, 2*time.Hour, 4*time.Hour)},
	{"window of classes", windows(func(p *scaling.Policy) *time.Duration { return &p.ClassWindow }, 4*time.Hour, 12*time.Hour, 24*time.Hour)},
}

func windows(of func(*scaling.Policy) *time.Duration, choices ...time.Duration) func(Found) []variant {
	return func(f Found) []variant {
		var out []variant
		for _, d := range choices {
			v := f
			*of(&v.Policy) = d
			out = append(out, variant{v, fmt.Sprintf("%g min", d.Minutes())})
		}
		return out
	}
}

// ladders are all stretches of the ladder that have what it begins with.
func ladders(f Found) []variant {
	var out []variant
	add := func(all []string, with func(*scaling.Policy, []string)) {
		for from := range all {
			for to := from + 1; to <= len(all); to++ {
				v := f
				with(&v.Policy, all[from:to])
				out = append(out, variant{v, strings.Join(all[from:to], ", ")})
			}
		}
	}
	if r := f.Policy.Readers; r != nil {
		add(r.InstanceClasses, func(p *scaling.Policy, part []string) {
			readers := *r
			readers.InstanceClasses = part
			p.Readers = &readers
		})
	}
	if w := f.Policy.Writer; w != nil && f.Policy.Readers == nil {
		add(w.InstanceClasses, func(p *scaling.Policy, part []string) { p.Writer = &scaling.WriterLimits{InstanceClasses: part} })
	}
	return out
}

// counts are the numbers of readers, no more than the policy allows and no fewer than there are.
func counts(f Found) []variant {
	r := f.Policy.Readers
	if r == nil {
		return nil
	}
	var out []variant
	for least := max(r.Min, f.Start.Count); least <= r.Max; least++ {
		for most := least; most <= r.Max; most++ {
			v, readers := f, *r
			readers.Min, readers.Max = least, most
			v.Policy.Readers = &readers
			out = append(out, variant{v, fmt.Sprintf("%d to %d readers", least, most)})
		}
	}
	return out
}
