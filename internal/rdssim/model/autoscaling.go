package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// AutoScaling are the limits within which Aurora Auto Scaling sets the number of readers of a cluster. It is only shown: the
// simulated world adds no readers by itself.
type AutoScaling struct {
	MinCapacity int `json:"minCapacity"`
	MaxCapacity int `json:"maxCapacity"`
}

// ScalableTarget is a cluster that was registered with Application Auto Scaling.
type ScalableTarget struct {
	AutoScaling
	Region, AccountID, ClusterIdentifier string
	CreatedAt                            time.Time
}

// maxAutoScalingReaders is how many readers a cluster can have (Aurora user guide, "Quotas and constraints").
const maxAutoScalingReaders = 15

func (a AutoScaling) validate() error {
	if a.MinCapacity < 0 || a.MaxCapacity < a.MinCapacity || a.MaxCapacity > maxAutoScalingReaders {
		return fmt.Errorf("minCapacity %d and maxCapacity %d: want numbers of readers from 0 to %d, the first not above the second",
			a.MinCapacity, a.MaxCapacity, maxAutoScalingReaders)
	}
	return nil
}

// RegisterScalableTarget gives the number of a cluster's readers to Aurora Auto Scaling. The error, which is a *Fault where there is no such
// cluster, says what is wrong.
func (w *World) RegisterScalableTarget(region, cluster string, limits AutoScaling) error {
	c, err := w.findCluster(region, cluster)
	if err == nil {
		err = limits.validate()
	}
	if err != nil {
		return err
	}
	w.scalableTargets[region+"/"+cluster] = ScalableTarget{
		AutoScaling: limits, Region: region, AccountID: c.AccountID, ClusterIdentifier: cluster, CreatedAt: w.now,
	}
	return nil
}

// DeregisterScalableTarget takes it back.
func (w *World) DeregisterScalableTarget(region, cluster string) {
	delete(w.scalableTargets, region+"/"+cluster)
}

// ScalableTargets lists the registered clusters of a region by identifier.
func (w *World) ScalableTargets(region string) []ScalableTarget {
	var out []ScalableTarget
	for _, t := range w.scalableTargets {
		if t.Region == region {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b ScalableTarget) int { return cmp.Compare(a.ClusterIdentifier, b.ClusterIdentifier) })
	return out
}
