package decide

import (
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// asOne sees a Multi-AZ DB cluster as one instance, which carries in each minute what the busiest member carries. All members have
// one class, and any standby may become the writer; reads go to the standbys. A minute that one of them has no sample for is
// missing.
func asOne(o scaling.Observation) scaling.Observation {
	writer := slices.IndexFunc(o.Instances, func(i scaling.Instance) bool { return i.Writer })
	if writer < 0 {
		return o
	}
	one := o.Instances[writer]
	one.CPU = merged(o.Instances, func(i scaling.Instance) scaling.Series { return i.CPU }, math.Max)
	one.DBLoadCPU = merged(o.Instances, func(i scaling.Instance) scaling.Series { return i.DBLoadCPU }, math.Max)
	one.FreeableMemory = merged(o.Instances, func(i scaling.Instance) scaling.Series { return i.FreeableMemory }, math.Min)
	one.Connections = merged(o.Instances, func(i scaling.Instance) scaling.Series { return i.Connections }, math.Max)
	for _, i := range o.Instances {
		if !scaling.Serving(i.Status) {
			one.Status = i.Status
		}
	}
	switch alone := len(o.Instances) == 1; {
	case alone:
	case o.WriterSince.IsZero() || o.ReadersSince.IsZero():
		o.WriterSince = time.Time{}
	case o.ReadersSince.After(o.WriterSince):
		o.WriterSince = o.ReadersSince
	}
	o.Instances = []scaling.Instance{one}
	return o
}

// merged has one sample of each time that every instance has one of.
func merged(all []scaling.Instance, of func(scaling.Instance) scaling.Series, extreme func(a, b float64) float64) scaling.Series {
	out := slices.DeleteFunc(slices.Clone(of(all[0])), func(s scaling.Sample) bool { return !scaling.Number(s.Value) })
	for _, i := range all[1:] {
		other := of(i)
		kept := out[:0]
		for _, s := range out {
			for len(other) > 0 && other[0].At.Before(s.At) {
				other = other[1:]
			}
			if len(other) > 0 && other[0].At.Equal(s.At) && scaling.Number(other[0].Value) {
				kept = append(kept, scaling.Sample{At: s.At, Value: extreme(s.Value, other[0].Value)})
			}
		}
		out = kept
	}
	return out
}
