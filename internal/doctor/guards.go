package doctor

import (
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// unevaluated starts the message of a guard whose information is missing.
const unevaluated = "The guard could not be evaluated, so nothing changes: "

// veto returns what a guard says against an operation on a pool, or "". unknown says that the guard lacked information.
func veto(in Input, name string, proposal scaling.Proposal, steps ...scaling.Step) (message string, unknown bool) {
	for _, v := range guard.Check(guard.Input{
		Policy: in.Policy, Observation: in.Observation, Proposal: proposal, Operation: scaling.Operation{Pool: proposal.Pool, Steps: steps},
		Now: in.Now,
	}) {
		if v.Guard == name {
			text, isUnknown := strings.CutPrefix(v.Message, unevaluated)
			return text, isUnknown
		}
	}
	return "", false
}

// addVeto adds what a guard says against an operation; it reports whether the guard said something. ifUnknown is what to do when the guard
// lacked information.
func (r *report) addVeto(status Status, check, subject, message string, unknown bool, ifUnknown string) bool {
	if message == "" {
		return false
	}
	text, action := splitAdvice(message)
	if unknown {
		text, action, status = message, ifUnknown, Unknown
	}
	if action == "" {
		action = "The operator waits until this has ended. Nothing is to be done, unless it lasts."
	}
	r.add(status, check, subject, text, action)
	return true
}

// proposalFor returns a proposal that scales a pool up without a change of its number of instances.
func proposalFor(pool scaling.Pool, o scaling.Observation, class string) scaling.Proposal {
	from := o.Shape(pool)
	return scaling.Proposal{Change: scaling.Change{
		Pool: pool, Direction: scaling.Up, From: from, To: scaling.Shape{InstanceClass: class, Count: from.Count},
	}}
}

// resizeSteps returns the steps that give every instance of a pool a class.
func resizeSteps(pool scaling.Pool, o scaling.Observation, target, class string) []scaling.Step {
	if o.ResizedAsUnit {
		return []scaling.Step{{Action: scaling.ModifyClusterClass, Instance: target, InstanceClass: class}}
	}
	var steps []scaling.Step
	for _, i := range o.PoolInstances(pool) {
		steps = append(steps, scaling.Step{Action: scaling.ModifyInstanceClass, Instance: i.Identifier, InstanceClass: class})
	}
	if len(steps) == 0 {
		steps = append(steps, scaling.Step{
			Action: scaling.CreateReader, Instance: target + scaling.ReaderNameInfix + "example", InstanceClass: class,
		})
	}
	return steps
}

// scaledPools lists the pools that the policy scales, with their classes.
func scaledPools(in Input) map[scaling.Pool][]string {
	pools := map[scaling.Pool][]string{}
	if in.Policy.Writer != nil {
		pools[scaling.Writer] = in.Policy.Writer.InstanceClasses
	}
	if in.Policy.Readers != nil {
		pools[scaling.Readers] = in.Policy.Readers.InstanceClasses
	}
	return pools
}

// poolOrder is the order of findings about pools.
var poolOrder = []scaling.Pool{scaling.Writer, scaling.Readers}
