package view

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// viewPools lists the writer and the readers.
func (b *builder) viewPools() []Pool {
	var pools []Pool
	for _, p := range []struct {
		name   scaling.Pool
		status *v1alpha1.PoolStatus
		scaled bool
	}{
		{scaling.Writer, b.status.Writer, b.policy.Writer != nil}, {scaling.Readers, b.status.Readers, b.policy.Readers != nil},
	} {
		if p.status != nil || p.scaled {
			pools = append(pools, b.viewPool(p.name, p.status, p.scaled))
		}
	}
	return pools
}

func (b *builder) viewPool(name scaling.Pool, status *v1alpha1.PoolStatus, scaled bool) Pool {
	p := Pool{Name: string(name), Scaled: scaled}
	if scaled {
		b.addLimits(&p, name)
	}
	if status != nil {
		p.Shape, p.Endpoint = status.Shape, status.Endpoint
		if status.LastChangeTime != nil {
			p.LastChange = status.LastChangeTime.UTC()
		}
		p.CapacityVCPUs = ptr.To(0.0)
		for _, i := range status.Instances {
			instance := b.viewInstance(i)
			if instance.VCPUs == nil || p.CapacityVCPUs == nil {
				p.CapacityVCPUs = nil
			} else {
				p.CapacityVCPUs = ptr.To(*p.CapacityVCPUs + *instance.VCPUs)
			}
			p.Instances = append(p.Instances, instance)
		}
	}
	for n := range b.pools {
		if b.pools[n].Load.Pool == name {
			p.Load = b.viewLoad(&b.pools[n].Load)
		}
	}
	return p
}

// addLimits adds what the policy says about a pool.
func (b *builder) addLimits(p *Pool, name scaling.Pool) {
	highest := 1
	if name == scaling.Readers {
		limits := b.policy.Readers
		p.InstanceClasses, p.MinReplicas, p.MaxReplicas, highest = limits.InstanceClasses, ptr.To(limits.Min), ptr.To(limits.Max), limits.Max
	} else {
		p.InstanceClasses = b.policy.Writer.InstanceClasses
	}
	for _, class := range p.InstanceClasses {
		if vcpus := b.vcpus(class); vcpus != nil && (p.MaximumVCPUs == nil || float64(highest)**vcpus > *p.MaximumVCPUs) {
			p.MaximumVCPUs = ptr.To(float64(highest) * *vcpus)
		}
	}
	p.Thresholds = &Thresholds{
		TargetPercent: b.policy.CPU.Target, ScaleUpPercent: decide.ScaleUpThreshold(&b.policy, &b.observation, name, b.Now),
		ScaleDownPercent: b.policy.CPU.ScaleDown, ScaleUpWindowSeconds: seconds(b.policy.ScaleUp.Window),
		ScaleDownWindowSeconds: seconds(b.policy.ScaleDown.Window),
	}
}

// vcpus is the vCPUs of one instance of a class; nil when the catalog lacks it.
func (b *builder) vcpus(class string) *float64 {
	spec, err := catalog.Lookup(class)
	if err != nil {
		return nil
	}
	return ptr.To(spec.VCPUFor(b.observation.Engine))
}

func (b *builder) viewLoad(l *scaling.Load) *Load {
	out := &Load{NewestSample: l.NewestSampleAt.UTC()}
	if l.NewestSampleAt.IsZero() {
		out.NewestSample = time.Time{}
	}
	if !l.Fresh {
		return out
	}
	out.UtilizationPercent, out.DemandVCPUs = ptr.To(l.UtilizationPercent), ptr.To(l.Demand)
	out.DemandIsLowerBound, out.Saturated = l.Censored, l.Saturated
	out.TrendVCPUs, out.SeasonalVCPUs = positive(max(l.TrendDemand, l.RisingDemand)), positive(max(l.SeasonalDemand, l.DailyWorkDemand))
	if left, rising, known := decide.Headroom(b.policy, b.observation, *l, b.Now); rising && known {
		out.HeadroomMinutes = ptr.To(left.Minutes())
	}
	return out
}

// positive is a value above zero, which stands for a value that is not known.
func positive(v float64) *float64 {
	if v <= 0 {
		return nil
	}
	return &v
}

func (b *builder) viewInstance(i v1alpha1.InstanceStatus) Instance {
	out := Instance{
		Identifier: i.Identifier, Class: i.InstanceClass, PendingClass: i.PendingInstanceClass, VCPUs: b.vcpus(i.InstanceClass),
		Status: i.Status, Zone: i.AvailabilityZone, Endpoint: i.Endpoint, CreatedByOperator: i.CreatedBy != "",
	}
	if i.PromotionTier != nil {
		out.PromotionTier = ptr.To(int(*i.PromotionTier))
	}
	if b.Observation != nil {
		if observed, found := b.Observation.Instance(i.Identifier); found {
			out.Zone, out.Status = observed.AvailabilityZone, observed.Status
			if sample, known := observed.CPU.NewestSample(); known && b.Now.Sub(sample.Time) <= scaling.MaxSampleAge {
				out.CPUPercent = ptr.To(sample.Value)
			}
			if lag := observed.ReplicaLag; lag != nil {
				out.LagSeconds = ptr.To(lag.Value.Seconds())
			}
		}
	}
	out.Surge, out.WaitsFor = b.instanceSteps(i.Identifier, out.Status)
	return out
}

// instanceSteps says whether an instance is the surge reader of the operation in progress, and what it waits for.
func (b *builder) instanceSteps(instance, status string) (surge bool, waitsFor string) {
	var waits []string
	if !scaling.IsServing(status) && status != "" {
		text := "AWS (" + status + ")"
		if scaling.IsBroken(status) {
			text += ", which does not end by itself"
		}
		waits = append(waits, text)
	}
	if b.operation == nil {
		return false, strings.Join(waits, "; ")
	}
	current := b.operation.CurrentStep()
	for n, s := range b.operation.Steps {
		if s.Instance != instance {
			continue
		}
		surge = surge || s.Surge
		switch {
		case !s.CompletedAt.IsZero():
		case !s.StartedAt.IsZero():
			waits = append(waits, fmt.Sprintf("step %d, in progress: %s", n+1, instanceStepText(s)))
		case n == current:
			waits = append(waits, fmt.Sprintf("step %d, next: %s", n+1, instanceStepText(s)))
		default:
			waits = append(waits, fmt.Sprintf("step %d, later: %s", n+1, instanceStepText(s)))
		}
	}
	return surge, strings.Join(waits, "; ")
}
