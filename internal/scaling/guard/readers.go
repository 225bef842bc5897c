package guard

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// readerAutoScaling leaves to Aurora Auto Scaling what it manages: the readers that it created, and the number of readers.
// The class of other readers may change. A surge reader counts towards the limits of Aurora Auto Scaling, which may therefore
// remove one of its own readers during the operation and add one again when the load requires it.
func readerAutoScaling(in Input) (string, time.Duration, error) {
	countChanges := in.Proposal.Pool == scaling.Readers && in.Proposal.To.Count != in.Proposal.From.Count &&
		in.Proposal.Direction != scaling.Cleanup
	if a := in.Observation.AutoScaling; a != nil && countChanges {
		return fmt.Sprintf("Aurora Auto Scaling manages the number of readers (%d to %d): deregister the cluster there, or set spec.readers "+
			"so that the number does not change", a.Min, a.Max), 0, nil
	}
	for _, i := range in.Observation.Instances {
		isChanged := slices.ContainsFunc(in.Operation.Steps, func(s scaling.Step) bool { return s.Instance == i.Identifier })
		if i.CreatedByAutoScaling() && (countChanges || isChanged) {
			return fmt.Sprintf("Aurora Auto Scaling manages the number of readers (it created %s): remove its scaling policy, or set "+
				"spec.readers so that the number does not change", i.Identifier), 0, nil
		}
	}
	return "", 0, nil
}

// readerNotOwned vetoes the deletion of an instance that the operator did not create, and of the last reader.
func readerNotOwned(in Input) (string, time.Duration, error) {
	remaining := len(in.Observation.PoolInstances(scaling.Readers))
	for _, s := range in.Operation.Steps {
		if s.Action == scaling.CreateReader {
			remaining++
		}
		if s.Action != scaling.DeleteReader || in.isFailedReader(s.Instance) {
			continue
		}
		remaining--
		i, exists := in.Observation.Instance(s.Instance)
		if exists && !i.CreatedByOperator() {
			return fmt.Sprintf("%s was not created by dbscaler, so dbscaler does not delete it: delete it yourself if it is not needed",
				s.Instance), 0, nil
		}
		if i.HasReplicas() {
			return fmt.Sprintf("%s is the source of other replicas (%s), so dbscaler does not delete it: delete or promote them first",
				s.Instance, strings.Join(i.Replicas, ", ")), 0, nil
		}
		if i.Writer {
			return fmt.Sprintf("%s is the writer, so dbscaler does not delete it: fail over to another instance first", s.Instance), 0, nil
		}
	}
	if remaining < 1 && in.Proposal.Pool == scaling.Readers && in.Proposal.Reason != scaling.ReasonFailedReader {
		return "the operation would leave 0 readers, and dbscaler does not delete the last one: delete it yourself if it is not needed", 0, nil
	}
	return "", 0, nil
}

// minimumReaders requires that a cluster with readers has one in service at every moment: without readers, the reader endpoint
// resolves to the writer. Readers in static lists of custom endpoints do not count, except for a cleanup: it removes only what the
// operator added, and the reader endpoint leads to them as before (Aurora user guide, "Amazon Aurora connection management").
func minimumReaders(in Input) (string, time.Duration, error) {
	o := in.Observation
	if in.Proposal.Direction != scaling.Cleanup {
		o = o.WithoutStaticReaders()
	}
	simulation, err := newCapacitySimulation(o)
	if err != nil || len(simulation.vcpus) < 2 {
		return "", 0, err
	}
	for _, s := range in.Operation.Steps {
		inService, err := simulation.apply(s)
		if err != nil {
			return "", 0, err
		}
		if inService == 0 {
			return fmt.Sprintf("no reader would be in service while %s is changed: set guardrails.surgeReaders to 1 or allow more readers",
				s.Instance), 0, nil
		}
	}
	return "", 0, nil
}

// readerCapacity requires that at every step the readers in service have as many vCPUs as before the operation (or, when the
// readers scale up, as the desired shape has, if that is less), or that they carry the current load of the pool below the scale-up
// threshold.
func readerCapacity(in Input) (string, time.Duration, error) {
	simulation, err := newCapacitySimulation(in.Observation.WithoutStaticReaders())
	if err != nil {
		return "", 0, err
	}
	for _, unused := range in.Observation.ReplicasWithoutClients(in.Policy.ScaleDown.Window, in.Now) {
		simulation.exclude(unused)
	}
	before, required := simulation.readerVCPUs(), math.Inf(1)
	readersScaleUp := in.Proposal.Pool == scaling.Readers && in.Proposal.Direction == scaling.Up
	if class, err := catalog.Lookup(in.Proposal.To.InstanceClass); err == nil && readersScaleUp {
		required = float64(in.Proposal.To.Count) * class.VCPUFor(in.Observation.Engine)
	}
	minVCPUs, changedInstance := min(before, required), ""
	for _, s := range in.Operation.Steps {
		inService, err := simulation.apply(s)
		if err != nil {
			return "", 0, err
		}
		if inService < minVCPUs {
			minVCPUs, changedInstance = inService, s.Instance
		}
	}
	if changedInstance == "" {
		return "", 0, nil
	}
	l := in.poolLoad(scaling.Readers)
	carrying := minVCPUs
	if in.Proposal.Direction == scaling.Cleanup {
		carrying += spareStaticVCPUs(in)
	}
	if l.Fresh && !l.Saturated && 100*l.Demand <= float64(in.Policy.CPU.ScaleUp)*carrying {
		return "", 0, nil
	}
	return fmt.Sprintf("while %s is changed, the other readers (%.0f of %.0f vCPUs) might not carry the load: set "+
		"guardrails.surgeReaders to 1 or allow more readers", changedInstance, minVCPUs, before), 0, nil
}

// spareStaticVCPUs returns the vCPUs that the readers in static lists of custom endpoints do not use: the reader endpoint leads to them
// too, so that they can take over the load of a surge reader. A reader without a recent sample has none to spare.
func spareStaticVCPUs(in Input) float64 {
	spare := 0.0
	for _, i := range in.Observation.StaticReaders() {
		class, err := catalog.Lookup(i.Class)
		newest, known := i.CPU.NewestSample()
		if err == nil && known && in.Now.Sub(newest.Time) <= scaling.MaxSampleAge {
			spare += class.VCPUFor(in.Observation.Engine) * max(0, 1-newest.Value/100)
		}
	}
	return spare
}

// replicaLag requires that the reader to be promoted has caught up with the writer.
func replicaLag(in Input) (string, time.Duration, error) {
	for _, s := range in.Operation.Steps {
		for _, i := range in.Observation.Instances {
			isCandidate := !i.Writer && (s.Action == scaling.ModifyClusterClass || s.Action == scaling.Failover && i.Identifier == s.Instance)
			switch {
			case !isCandidate:
			case i.ReplicaLag == nil:
				return "", 0, fmt.Errorf("the replica lag of %s is unknown", i.Identifier)
			case i.ReplicaLag.Value > scaling.MaxReplicaLag:
				return fmt.Sprintf("the replica lag of %s, the promotion candidate, exceeds %s; the operator waits until it catches up",
					i.Identifier, scaling.FormatDuration(scaling.MaxReplicaLag)), 0, nil
			}
		}
	}
	return "", 0, nil
}

// capacitySimulation applies the steps of an operation to a cluster and tracks its vCPUs by instance.
type capacitySimulation struct {
	engine string
	vcpus  map[string]float64
	writer string
	// excluded are the read replicas without clients, which are no capacity whatever their class.
	excluded map[string]bool
}

// exclude takes a replica out of the capacity.
func (c *capacitySimulation) exclude(instance string) {
	c.excluded[instance] = true
	delete(c.vcpus, instance)
}

// newCapacitySimulation starts with the observed instances. The error names a class that is not in the catalog.
func newCapacitySimulation(o scaling.Observation) (*capacitySimulation, error) {
	c := &capacitySimulation{engine: o.Engine, vcpus: map[string]float64{}, excluded: map[string]bool{}}
	for _, i := range o.Instances {
		if err := c.setClass(i.Identifier, i.Class); err != nil {
			return nil, err
		}
		if i.Writer {
			c.writer = i.Identifier
		}
	}
	return c, nil
}

func (c *capacitySimulation) setClass(instance, class string) error {
	spec, err := catalog.Lookup(class)
	if err != nil {
		return err
	}
	if !c.excluded[instance] {
		c.vcpus[instance] = spec.VCPUFor(c.engine)
	}
	return nil
}

// readerVCPUs returns the vCPUs of the readers in service.
func (c *capacitySimulation) readerVCPUs() float64 {
	total := 0.0
	for instance, vcpus := range c.vcpus {
		if instance != c.writer {
			total += vcpus
		}
	}
	return total
}

// apply applies one step and returns the vCPUs of the readers in service while it runs.
func (c *capacitySimulation) apply(s scaling.Step) (inService float64, err error) {
	switch s.Action {
	case scaling.CreateReader:
		inService = c.readerVCPUs()
		return inService, c.setClass(s.Instance, s.InstanceClass)
	case scaling.ModifyInstanceClass:
		delete(c.vcpus, s.Instance)
		inService = c.readerVCPUs()
		return inService, c.setClass(s.Instance, s.InstanceClass)
	case scaling.DeleteReader:
		delete(c.vcpus, s.Instance)
	case scaling.Failover: // the promoted reader stops serving reads before the old writer starts to
		oldWriter := c.writer
		c.writer = s.Instance
		vcpus := c.vcpus[oldWriter]
		delete(c.vcpus, oldWriter)
		inService = c.readerVCPUs()
		c.vcpus[oldWriter] = vcpus
		return inService, nil
	case scaling.ModifyPromotionTier, scaling.ModifyClusterClass, scaling.ModifyCapacity, scaling.ModifyMinCapacity:
	}
	return c.readerVCPUs(), nil
}
