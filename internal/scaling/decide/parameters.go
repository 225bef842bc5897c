package decide

import (
	"math"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// parameterSets returns the different sets of parameters that users have set for the instances of a pool: at least one, which is empty
// when they have set none. New readers get those of the writer.
func (e *poolEvaluation) parameterSets() []scaling.Parameters {
	var sets []scaling.Parameters
	hasEmpty := false // all empty sets are the same
	for n := range e.observation.Instances {
		i := &e.observation.Instances[n]
		isEmpty := len(i.Parameters.Values) == 0 && i.Parameters.Unknown == ""
		if !i.Writer && e.pool != scaling.Readers || isEmpty && hasEmpty {
			continue
		}
		sets = append(sets, i.Parameters)
		hasEmpty = hasEmpty || isEmpty
	}
	if len(sets) == 0 {
		return []scaling.Parameters{{}}
	}
	return sets
}

// limitsOf returns what a class holds with the parameters of the pool: the least of all its instances. It keeps the result in the
// class.
func (e *poolEvaluation) limitsOf(class *ladderClass) *catalog.Limits {
	if class.limits != nil {
		return class.limits
	}
	if e.parameters == nil {
		e.parameters = e.parameterSets()
	}
	lowest := catalog.Limits{MaxConnections: math.MaxInt32, ConnectionsKnown: true}
	for _, parameters := range e.parameters {
		limits := class.spec.LimitsWith(e.observation.Engine, parameters.Values)
		lowest.MaxConnections = min(lowest.MaxConnections, limits.MaxConnections)
		lowest.ConnectionsKnown = lowest.ConnectionsKnown && limits.ConnectionsKnown
		lowest.CacheBytes = max(lowest.CacheBytes, limits.CacheBytes)
		if lowest.Misfit == "" {
			lowest.Misfit = limits.Misfit
		}
		if unknown := parameters.Unknown; lowest.Unknown == "" && unknown != "" {
			lowest.Unknown = unknown
		}
		if lowest.Unknown == "" {
			lowest.Unknown = limits.Unknown
		}
	}
	class.limits = &lowest
	return class.limits
}

// checkParameters returns why the parameters that users have set rule out smaller instances of a class; empty when they do not.
func (e *poolEvaluation) checkParameters(class *ladderClass) scaling.Verdict {
	limits := e.limitsOf(class)
	switch {
	case limits.Misfit != "":
		return scaling.VerdictParametersDoNotFit
	case limits.Unknown != "" && !e.policy.Guardrails.TrustUnreadableParameters:
		return scaling.VerdictParametersUnknown
	}
	return ""
}

// cacheBytes returns the page cache of an instance.
func (e *poolEvaluation) cacheBytes(i *poolInstance) float64 {
	if len(i.Parameters.Values) == 0 {
		return catalog.PageCacheRatio(e.observation.Engine) * i.memoryBytes
	}
	class, err := catalog.Lookup(i.Class)
	if err != nil {
		return 0 // poolInstances has found the class
	}
	return class.LimitsWith(e.observation.Engine, i.Parameters.Values).CacheBytes
}

// parameterDetail says which parameter caused a verdict, with its figures, or is empty. Of several classes it is that of the first on
// the ladder, so that the message does not change from one evaluation to the next.
func (e *poolEvaluation) parameterDetail(v scaling.Verdict) string {
	for n := range e.candidates {
		switch c := &e.candidates[n]; {
		case c.Verdict != v:
		case v == scaling.VerdictParametersDoNotFit:
			return e.limitsOf(c.class).Misfit
		case v == scaling.VerdictParametersUnknown:
			return e.limitsOf(c.class).Unknown
		}
	}
	return ""
}
