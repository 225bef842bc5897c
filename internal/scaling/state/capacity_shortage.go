package state

import (
	"errors"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// capacityShortageDuration is how long a class is not requested again after AWS had no instance of it. AWS says no more than
	// "try again at a later time" (AWS re:Post, insufficient DB instance capacity).
	capacityShortageDuration = 30 * time.Minute
	// FailedCreationShortage is how long a class is not requested in a zone in which AWS accepted the creation of an instance and ended
	// it with insufficient-capacity: "wait a few hours, and try to create again" (RDS user guide, "Viewing DB instance status").
	FailedCreationShortage = 3 * time.Hour
	// maxCapacityShortages is the most shortages that are remembered: the limit of status.capacityShortages in the API.
	maxCapacityShortages = 64
)

// ShortageResult is what follows from a call for which AWS had no instance.
type ShortageResult struct {
	// Shortages are all that are remembered now, oldest first.
	Shortages []scaling.CapacityShortage
	// Zone is the availability zone without capacity; empty when it is not known.
	Zone string
	// TryAnotherZone says that the call is worth repeating at once: it creates a reader, which can be in another zone.
	TryAnotherZone bool
}

// AddCapacityShortage remembers where AWS had no instance of the class that a call asked for. An instance that exists cannot
// leave its zone. A new reader can be created in another zone, until none is left: then the class is short in all zones, which
// is a second shortage without a zone.
func AddCapacityShortage(
	shortages []scaling.CapacityShortage, call scaling.Call, cause error, o scaling.Observation, now time.Time,
) ShortageResult {
	zone, lastZone := "", true
	var noCapacity *scaling.NoCapacityError
	if errors.As(cause, &noCapacity) {
		zone, lastZone = noCapacity.Zone, noCapacity.LastZone
	} else if i, exists := o.Instance(call.Instance); exists {
		zone = i.AvailabilityZone
	}
	createsReader := call.Action == scaling.CreateReader
	shortage := scaling.CapacityShortage{InstanceClass: call.InstanceClass, Zone: zone, ExpiresAt: now.Add(capacityShortageDuration)}
	all := append(slices.Clone(shortages), shortage)
	if createsReader && lastZone && zone != "" {
		shortage.Zone = ""
		all = append(all, shortage)
	}
	return ShortageResult{
		Shortages: all[max(0, len(all)-maxCapacityShortages):], Zone: zone, TryAnotherZone: createsReader && !lastZone,
	}
}

// ActiveShortages returns the shortages that have not expired.
func ActiveShortages(shortages []scaling.CapacityShortage, now time.Time) []scaling.CapacityShortage {
	var active []scaling.CapacityShortage
	for _, s := range shortages {
		if now.Before(s.ExpiresAt) {
			active = append(active, s)
		}
	}
	return active
}

// UpdateShortages returns the shortages that have not expired, and those that the readers show that AWS failed to create for want of
// capacity. A shortage that is known already is extended only when less than half of FailedCreationShortage is left, so that it is
// not written at each observation. A reader without a zone was to go to any of them. Times are whole seconds.
func UpdateShortages(known []scaling.CapacityShortage, o scaling.Observation, now time.Time) []scaling.CapacityShortage {
	shortages := ActiveShortages(known, now)
	for _, i := range o.FailedReaders() {
		if i.Status != scaling.StatusInsufficientCapacity {
			continue
		}
		isKnown := slices.ContainsFunc(shortages, func(s scaling.CapacityShortage) bool {
			return s.InstanceClass == i.Class && s.Zone == i.AvailabilityZone && s.ExpiresAt.Sub(now) >= FailedCreationShortage/2
		})
		if isKnown {
			continue
		}
		shortages = slices.DeleteFunc(shortages, func(s scaling.CapacityShortage) bool {
			return s.InstanceClass == i.Class && s.Zone == i.AvailabilityZone
		})
		shortages = append(shortages, scaling.CapacityShortage{
			InstanceClass: i.Class, Zone: i.AvailabilityZone, ExpiresAt: now.Add(FailedCreationShortage).Truncate(time.Second),
		})
	}
	return shortages[max(0, len(shortages)-maxCapacityShortages):]
}
