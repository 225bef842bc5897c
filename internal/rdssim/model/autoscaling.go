package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// AutoScaling is the range within which Aurora Auto Scaling sets the number of readers of a cluster. It is only listed: the
// simulation adds no readers by itself.
type AutoScaling struct {
	MinCapacity int `json:"minCapacity"`
	MaxCapacity int `json:"maxCapacity"`
}

// ScalableTarget is a cluster that is registered with Application Auto Scaling.
type ScalableTarget struct {
	AutoScaling
	Region, AccountID, ClusterIdentifier string
	CreatedAt                            time.Time
}

func (a AutoScaling) validate() error {
	if a.MinCapacity < 0 || a.MaxCapacity < a.MinCapacity || a.MaxCapacity > maxReaders {
		return fmt.Errorf("minCapacity %d and maxCapacity %d: want 0 <= minCapacity <= maxCapacity <= %d readers",
			a.MinCapacity, a.MaxCapacity, maxReaders)
	}
	return nil
}

// RegisterScalableTarget registers a cluster with Aurora Auto Scaling. It returns an *APIError if the cluster does not exist, and
// another error if the limits are invalid.
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

// DeregisterScalableTarget removes the registration of a cluster.
func (w *World) DeregisterScalableTarget(region, cluster string) {
	delete(w.scalableTargets, region+"/"+cluster)
}

// ScalableTargets returns the registered clusters of a region, sorted by identifier.
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
