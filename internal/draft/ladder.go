package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// growthFactor is how much more than the peak the largest shape carries: a burst, or the growth of some years.
	growthFactor = 2
	// maxLargerFactor limits the largest class to this many times the vCPUs of the present one, as guardrails.maxStepFactor limits one
	// operation, and with it the bill.
	maxLargerFactor = 4
	// maxSmallerFactor limits the smallest class to the vCPUs of the present one divided by this.
	maxSmallerFactor = 4
)

// ladder is the list of classes of a pool.
type ladder struct {
	// classes are sorted by vCPUs, smallest first.
	classes []catalog.Class
	// present are the classes that instances have now.
	present []string
	// reasons say why it begins and ends where it does, in sentences.
	reasons []string
}

// names are the classes in the RDS API.
func (l ladder) names() []string {
	names := make([]string, len(l.classes))
	for n, class := range l.classes {
		names[n] = class.Name
	}
	return names
}

func (l *ladder) explain(format string, args ...any) {
	l.reasons = append(l.reasons, fmt.Sprintf(format, args...))
}

// newLadder chooses the classes of a pool: those of the family of its largest present class that AWS offers to this database, from what
// carries the usual load up to what carries growthFactor times the peak.
func newLadder(in Input, pool scaling.Pool, load Load) ladder {
	o := in.Observation
	instances := o.PoolInstances(pool)
	if o.ResizedAsUnit {
		instances = o.Instances
	}
	var l ladder
	var present []catalog.Class
	for _, i := range instances {
		if class, err := catalog.Lookup(i.Class); err == nil && !slices.Contains(l.present, class.Name) {
			present, l.present = append(present, class), append(l.present, class.Name)
		}
	}
	slices.SortFunc(present, compareClasses(o.Engine))
	slices.Sort(l.present)
	smallest, largest := present[0], present[len(present)-1]
	count := float64(len(instances))
	if pool == scaling.Writer { // also all members of a Multi-AZ DB cluster, of which the busiest one counts
		count = 1
	}
	lowest := l.chooseLowest(o.Engine, smallest, load, count)
	highest, needed := l.chooseHighest(in, largest, load, count)
	for _, class := range offeredClasses(o, largest) {
		vcpus := class.VCPUFor(o.Engine)
		isPresentSize := slices.ContainsFunc(present, func(c catalog.Class) bool { return c.VCPUFor(o.Engine) == vcpus })
		if vcpus >= lowest && vcpus <= highest && !isPresentSize {
			l.classes = append(l.classes, class)
		}
		if vcpus >= needed {
			break
		}
	}
	for _, class := range present {
		l.classes = append(l.classes, class)
		if o.Orderable != nil && !slices.Contains(o.Orderable, class.Name) {
			l.explain("%s is in use, but AWS no longer offers it to this database: no instance is resized to it.", class.Name)
		}
	}
	slices.SortFunc(l.classes, compareClasses(o.Engine))
	l.explainEnd(in, largest, load, count)
	return l
}

// compareClasses orders classes by the vCPUs that an engine has on them, then by memory and name.
func compareClasses(engine string) func(a, b catalog.Class) int {
	return func(a, b catalog.Class) int {
		return cmp.Or(cmp.Compare(a.VCPUFor(engine), b.VCPUFor(engine)), cmp.Compare(a.MemoryBytes, b.MemoryBytes),
			strings.Compare(a.Name, b.Name))
	}
}

// offeredClasses are the classes of the family of a class that AWS offers to the database, smallest first; none when that is not known. Of
// several with the same vCPUs, as in the families t, it is the one with the most memory.
func offeredClasses(o scaling.Observation, present catalog.Class) []catalog.Class {
	if o.Orderable == nil {
		return nil
	}
	var out []catalog.Class
	for _, class := range catalog.All() {
		// A class with preconfigured memory (db.r5.large.tpc1.mem2x) has another price and another licence than one without.
		isPlain := strings.Count(class.Name, ".") == strings.Count(present.Name, ".")
		if class.Family == present.Family && isPlain && class.Supports(o.Engine) && slices.Contains(o.Orderable, class.Name) {
			out = append(out, class)
		}
	}
	slices.SortFunc(out, compareClasses(o.Engine))
	slices.Reverse(out)
	out = slices.CompactFunc(out, func(a, b catalog.Class) bool { return a.VCPUFor(o.Engine) == b.VCPUFor(o.Engine) })
	slices.Reverse(out)
	return out
}

// chooseLowest returns the fewest vCPUs of a class: what carries 95 % of the time, and at least a part of the present class.
func (l *ladder) chooseLowest(engine string, present catalog.Class, load Load, count float64) float64 {
	vcpus := present.VCPUFor(engine)
	switch {
	case !load.IsKnown():
		l.explain("No smaller class than today, because no load shows that it would carry it.")
		return vcpus
	case load.Censored > 0:
		l.explain("No smaller class than today, because the demand above saturation is not known.")
		return vcpus
	case !load.allowsSmaller():
		l.explain("No smaller class than today, because only %s of load are known, less than a week.", formatKnown(load.Known))
		return vcpus
	}
	needed := load.High / count / fraction(DefaultCPU.Target)
	return min(vcpus, max(needed, vcpus/maxSmallerFactor))
}

// chooseHighest returns the most vCPUs that a class may have, and the vCPUs from which on no larger class is needed.
func (l *ladder) chooseHighest(in Input, present catalog.Class, load Load, count float64) (highest, needed float64) {
	vcpus := present.VCPUFor(in.Observation.Engine)
	if in.Observation.BringsLicense() {
		return vcpus, vcpus
	}
	highest = maxLargerFactor * vcpus
	needed = vcpus + 1 // a larger class than the present one in any case: its absence would only be found out in an incident
	if load.IsKnown() {
		needed = max(needed, growthFactor*load.Peak/count/fraction(DefaultCPU.Target))
	}
	return highest, needed
}

// explainEnd says why the ladder begins and ends where it does.
func (l *ladder) explainEnd(in Input, present catalog.Class, load Load, count float64) {
	engine := in.Observation.Engine
	first, last := l.classes[0], l.classes[len(l.classes)-1]
	if load.allowsSmaller() && first.VCPUFor(engine) < present.VCPUFor(engine) {
		l.explain("The smallest, %s, carries %s vCPU at %d %%: what 95 %% of the time needed, or a quarter of today's class.", first.Name,
			formatVCPUs(count*first.VCPUFor(engine)*fraction(DefaultCPU.Target)), DefaultCPU.Target)
	}
	carries := count * last.VCPUFor(engine) * fraction(DefaultCPU.Target)
	switch {
	case in.Observation.Orderable == nil:
		l.explain("Only the class of today: which others AWS offers could not be read.")
	case in.Observation.BringsLicense():
		l.explain("No larger class than today, because you bring the licence: more vCPUs need more licences (guardrails.licenseGrowth).")
	case last.VCPUFor(engine) <= present.VCPUFor(engine):
		l.explain("AWS offers no larger class of the family %s to this database: another family must be added by hand.", present.Family)
	case !load.IsKnown():
		l.explain("One larger class, as a cautious default.")
	case carries >= growthFactor*load.Peak:
		l.explain("The largest, %s, carries twice the peak of %s vCPU on %s at %d %%.", last.Name, formatVCPUs(load.Peak),
			formatTime(load.PeakAt), DefaultCPU.Target)
	default:
		l.explain("The largest, %s, carries %s vCPU at %d %%, less than twice the peak of %s vCPU on %s: larger ones are left out, because one "+
			"more is four times today's class, or AWS offers none.", last.Name, formatVCPUs(carries), DefaultCPU.Target, formatVCPUs(load.Peak),
			formatTime(load.PeakAt))
	}
}

// fraction is a percentage as a fraction.
func fraction(percent int) float64 { return float64(percent) / 100 }
