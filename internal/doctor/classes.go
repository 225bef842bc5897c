package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// checkClasses asks the guard ClassNotOrderable about each class of each pool.
func (r *report) checkClasses(in Input) {
	if in.Observation.Serverless {
		return
	}
	const ifUnknown = "Grant rds:DescribeOrderableDBInstanceOptions."
	for _, pool := range poolOrder {
		var orderable []string
		for _, class := range scaledPools(in)[pool] {
			message, unknown := veto(in, "ClassNotOrderable", proposalFor(pool, in.Observation, class),
				resizeSteps(pool, in.Observation, in.Policy.Target.Identifier, class)...)
			if unknown {
				r.addVeto(Unknown, checkClass, poolSubject(pool), message, unknown, ifUnknown)
				break // it is unknown of every class
			}
			if !r.addVeto(Failed, checkClass, poolSubject(pool)+" "+class, message, unknown, ifUnknown) {
				orderable = append(orderable, class)
			}
		}
		if len(orderable) > 0 {
			r.ok(checkClass, poolSubject(pool), "AWS offers "+strings.Join(orderable, ", ")+" for this engine and version")
		}
	}
}

func poolSubject(pool scaling.Pool) string { return strings.ToLower(string(pool)) }

// checkParameters checks the parameters that users have set for each instance against each class of its pool.
func (r *report) checkParameters(in Input) {
	if in.Observation.Serverless {
		return
	}
	before := len(r.findings)
	for _, pool := range poolOrder {
		for _, i := range in.Observation.PoolInstances(pool) {
			r.checkInstanceParameters(in, i, scaledPools(in)[pool])
		}
	}
	if len(r.findings) == before {
		r.ok(checkParameters, "", "memory and connections follow the class, or fit every class of the policy")
	}
}

func (r *report) checkInstanceParameters(in Input, i scaling.Instance, classes []string) {
	trusted := in.Policy.Guardrails.TrustUnreadableParameters
	if i.Parameters.Unknown != "" && !trusted && len(classes) > 0 {
		r.add(Unknown, checkParameters, i.Identifier, i.Parameters.Unknown,
			"Grant the permission; until then no class with less memory is chosen, unless guardrails.trustParameterGroups is WhenUnreadable.")
		return
	}
	var tooSmall []string
	reason, unknown := "", ""
	for _, name := range classes {
		class, err := catalog.Lookup(name)
		if err != nil {
			continue // the policy is invalid, which is another finding
		}
		limits := class.LimitsWith(in.Observation.Engine, i.Parameters.Values)
		if limits.Misfit != "" {
			tooSmall = append(tooSmall, name)
			if reason == "" {
				reason = limits.Misfit
			}
		}
		if unknown == "" {
			unknown = limits.Unknown
		}
	}
	groups := strings.Join(i.ParameterGroups, ", ")
	switch {
	case len(tooSmall) > 0:
		r.add(Warning, checkParameters, i.Identifier, fmt.Sprintf("a fixed value keeps the operator from %s: %s",
			strings.Join(tooSmall, ", "), reason), fmt.Sprintf("Replace it in its parameter group (%s, or that of the cluster) by a formula of "+
			"DBInstanceClassMemory, or remove the classes from the policy.", groups))
	case unknown != "" && !trusted:
		r.add(Unknown, checkParameters, i.Identifier, "a parameter cannot be evaluated, so that no class with less memory is chosen: "+unknown,
			"Replace it by a number or a formula, or set guardrails.trustParameterGroups to WhenUnreadable.")
	}
}

// checkReaders checks that AWS creates read replicas of a DB instance.
func (r *report) checkReaders(in Input) {
	if in.Policy.Readers == nil || in.Observation.Kind != scaling.DBInstance {
		return
	}
	step := scaling.Step{Action: scaling.CreateReader, Instance: in.Policy.Target.Identifier + scaling.ReaderNameInfix + "example"}
	subject := in.Policy.Target.Identifier
	if message, _ := veto(in, "CannotReplicate", proposalFor(scaling.Readers, in.Observation, ""), step); message != "" {
		reason, action, _ := strings.Cut(in.Observation.CannotReplicate, "; ")
		r.add(Failed, checkReaders, subject, "AWS refuses every new read replica of it: "+reason,
			capitalize(cmp.Or(action, "leave readers out of the policy"))+".")
		return
	}
	r.ok(checkReaders, subject, "nothing is known that keeps AWS from creating a read replica of it")
}

// checkCustomEndpoints says what the custom endpoints of a cluster mean.
func (r *report) checkCustomEndpoints(in Input) {
	o := in.Observation
	if o.Kind != scaling.DBCluster {
		return
	}
	static := o.StaticReaders()
	switch {
	case o.CustomEndpointsUnknown != "":
		r.add(Unknown, checkCustomEndpoints, "", "they could not be read, so that no reader is promoted, resized or removed: "+
			o.CustomEndpointsUnknown, "Grant rds:DescribeDBClusterEndpoints.")
	case len(static) > 0 && in.Policy.Readers != nil && len(static) == len(o.PoolInstances(scaling.Readers)):
		r.add(Failed, checkCustomEndpoints, endpointNames(static, o), "every reader is in a static list, so that the number and the class of "+
			"readers stay as they are", "Leave a reader out of the static lists, or use an exclusion list.")
	case len(static) > 0:
		r.add(Warning, checkCustomEndpoints, endpointNames(static, o), o.CustomEndpointConsequences(),
			"Use an exclusion list instead of a static list, or scale these readers yourself.")
	case len(o.CustomEndpoints) > 0:
		r.ok(checkCustomEndpoints, "", o.CustomEndpointConsequences())
	default:
		r.ok(checkCustomEndpoints, "", "the cluster has none")
	}
}

// endpointNames lists the custom endpoints that name the readers.
func endpointNames(readers []scaling.Instance, o scaling.Observation) string {
	var names []string
	for _, i := range readers {
		if name := o.StaticEndpoint(i.Identifier); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
