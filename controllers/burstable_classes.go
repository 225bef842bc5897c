package controllers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// warnOfBurstableClasses records a warning, once for each version of the spec, about classes that run on CPU credits. AWS bills what
// t3 and t4g use above their baseline, and caps t2 at it, so that utilization says less about them than about other classes.
func (s *reconcileScope) warnOfBurstableClasses() {
	if s.deleting || s.original.Status.ObservedGeneration == s.object.Generation {
		return
	}
	var names, burstable []string
	if r := s.policy.Readers; r != nil {
		names = append(names, r.InstanceClasses...)
	}
	if w := s.policy.Writer; w != nil {
		names = append(names, w.InstanceClasses...)
	}
	for _, name := range names {
		if class, err := catalog.Lookup(name); err == nil && class.Burstable && !slices.Contains(burstable, name) {
			burstable = append(burstable, name)
		}
	}
	if len(burstable) == 0 {
		return
	}
	s.recordWarning(events.BurstableClass, "Validate", fmt.Sprintf("instanceClasses has burstable classes (%s): AWS bills the CPU credits "+
		"that db.t3 and db.t4g use above their baseline, and limits db.t2 to it. No pool that has used up its credits is scaled down. Use "+
		"classes that are not burstable for production", strings.Join(burstable, ", ")))
}
