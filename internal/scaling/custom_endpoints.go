package scaling

import (
	"fmt"
	"slices"
	"strings"
)

// CustomEndpoint is a custom endpoint of an Aurora cluster. A static list names the instances that it reaches, and no other ever
// joins it. With an exclusion list every other instance is reached, new ones included (Aurora user guide, "Membership rules for
// custom endpoints"). With neither list the endpoint reaches every instance.
type CustomEndpoint struct {
	Identifier string
	// StaticMembers and ExcludedMembers are the identifiers of instances.
	StaticMembers, ExcludedMembers []string
}

// StaticEndpoint returns the custom endpoint that names an instance in its static list, or "".
func (o Observation) StaticEndpoint(instance string) string {
	for _, e := range o.CustomEndpoints {
		if slices.Contains(e.StaticMembers, instance) {
			return e.Identifier
		}
	}
	return ""
}

// isStaticReader reports whether an instance is a reader in the static list of a custom endpoint. Surge readers do not count: the
// operation that created them removes them.
func (o Observation) isStaticReader(i Instance) bool {
	return !i.Writer && i.SurgeOperation() == "" && o.StaticEndpoint(i.Identifier) != ""
}

// StaticReaders lists the readers in static lists of custom endpoints. Their clients are those of the endpoint, whose load no other
// reader can take over, so that they do not belong to the reader pool: they are neither counted nor resized, removed or promoted.
func (o *Observation) StaticReaders() []Instance {
	if len(o.CustomEndpoints) == 0 {
		return nil
	}
	var static []Instance
	for _, i := range o.Instances {
		if o.isStaticReader(i) {
			static = append(static, i)
		}
	}
	return static
}

// WithoutStaticReaders is the observation without the readers in static lists of custom endpoints. The history of the reader pool
// is dropped along with them: it is that of all readers.
func (o Observation) WithoutStaticReaders() Observation {
	if len(o.CustomEndpoints) > 0 && slices.ContainsFunc(o.Instances, o.isStaticReader) {
		o.Instances = slices.DeleteFunc(slices.Clone(o.Instances), o.isStaticReader)
		o.ReadersCPU, o.ReadersCapacityHistory = Series{}, nil
	}
	return o
}

// EndpointsForNewReaders lists the custom endpoints that every new reader joins, surge readers included.
func (o Observation) EndpointsForNewReaders() []string {
	var out []string
	for _, e := range o.CustomEndpoints {
		if len(e.StaticMembers) == 0 {
			out = append(out, e.Identifier)
		}
	}
	return out
}

// CustomEndpointConsequences says what the custom endpoints of the cluster mean for the reader pool, or is empty.
func (o Observation) CustomEndpointConsequences() string {
	var parts []string
	if static := o.StaticReaders(); len(static) > 0 {
		names := make([]string, len(static))
		for n, i := range static {
			names[n] = fmt.Sprintf("%s (%s)", i.Identifier, o.StaticEndpoint(i.Identifier))
		}
		parts = append(parts, fmt.Sprintf("readers in static lists do not belong to the reader pool, so that the operator neither counts, "+
			"resizes, removes nor promotes them: %s", strings.Join(names, ", ")))
	}
	if joined := o.EndpointsForNewReaders(); len(joined) > 0 {
		parts = append(parts, fmt.Sprintf("every reader that the operator adds, surge readers included, also serves %s",
			strings.Join(joined, ", ")))
	}
	return strings.Join(parts, "; ")
}
