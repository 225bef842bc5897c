package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Evaluator evaluates in the same memory each time, for simulations with many decisions. The results are those of Evaluate. Only one
// decision of an evaluator may be in use: the next one overwrites it. The zero value is ready to use.
type Evaluator struct {
	pools [2]scaling.PoolAssessment
	// buffers are those of the pools, in this order.
	buffers [2]poolBuffers
}

// poolBuffers are the arrays of the evaluation of a pool.
type poolBuffers struct {
	instances  []poolInstance
	ladder     []ladderClass
	candidates []candidate
	reported   []scaling.Candidate
}

// Evaluate is the function Evaluate, without a copy of its inputs, which it does not change.
func (v *Evaluator) Evaluate(p *scaling.Policy, o *scaling.Observation, now time.Time) scaling.Decision {
	d := scaling.Decision{RequeueAfter: RequeueInterval, Pools: v.pools[:0]}
	if proposal := proposeFailedReaderCleanup(o); proposal != nil {
		d.Proposals = append(d.Proposals, *proposal)
		without := o.WithoutFailedReaders()
		o = &without
	}
	pooled, static := o, o.StaticReaders() // copied only where it differs: an observation is large
	if len(static) > 0 {
		without := o.WithoutStaticReaders()
		pooled = &without
	}
	if o.ResizedAsUnit {
		merged := mergeInstances(*pooled)
		pooled = &merged
	}
	for n, pool := range []scaling.Pool{scaling.Readers, scaling.Writer} {
		assessment, proposal := evaluatePool(p, pooled, pool, now, &v.buffers[n])
		if proposal = holdForStaticReaders(p, static, &assessment, proposal); proposal != nil {
			d.Proposals = append(d.Proposals, *proposal)
		}
		d.Pools = append(d.Pools, assessment)
	}
	if proposal := proposeMinCapacity(p, pooled, now); proposal != nil {
		d.Proposals = append(d.Proposals, *proposal)
	}
	if vcpus := requiredCandidateVCPUs(p, pooled, &d); vcpus > 0 {
		proposePromotionCandidate(p, pooled, &d, vcpus, now)
	}
	if proposal := proposeSurgeCleanup(p, o, now); proposal != nil {
		d.Proposals = append(d.Proposals, *proposal)
	}
	sortByUrgency(d.Proposals)
	if len(d.Proposals) == 0 {
		d.Hold = mostSevereHold(d.Pools)
	}
	return d
}

// zeroed returns zero values in the array of a buffer, when that is large enough.
func zeroed[T any](buffer []T, count int) []T {
	if buffer == nil || count > cap(buffer) {
		return make([]T, count)
	}
	buffer = buffer[:count]
	clear(buffer)
	return buffer
}
