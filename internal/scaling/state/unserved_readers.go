package state

import (
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// ForgetServingReaders returns the history without the unserved readers that the observation shows in service: they have served now.
func ForgetServingReaders(h scaling.History, o *scaling.Observation) scaling.History {
	unserved := 0
	for n := range h { // by index: a record is large to copy
		unserved += len(h[n].UnservedReaders)
	}
	if unserved == 0 {
		return h
	}
	out := slices.Clone(h)
	for n := range out {
		out[n].UnservedReaders = slices.DeleteFunc(slices.Clone(out[n].UnservedReaders), func(name string) bool {
			i, exists := o.Instance(name)
			return exists && scaling.IsServing(i.Status)
		})
	}
	return out
}

// MarkUnservedReaders returns the instances with NeverServed set for the readers that neither the operation in progress, which may be
// nil, nor a later observation has seen in service. What AWS shows of an instance does not prove it: the RDS API reference does not say
// whether InstanceCreateTime is when AWS accepted the creation or when the instance was first available.
func MarkUnservedReaders(instances []scaling.Instance, op *scaling.Operation, h scaling.History) []scaling.Instance {
	var names []string
	if op != nil {
		names = op.UnservedReaders()
	}
	for n := range h {
		names = append(names, h[n].UnservedReaders...)
	}
	if len(names) == 0 {
		return instances
	}
	out := slices.Clone(instances) // other policies may have the same ones
	for n := range out {
		out[n].NeverServed = slices.Contains(names, out[n].Identifier)
	}
	return out
}
