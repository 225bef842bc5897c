package state

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// refusalDuration is how long a change is not requested again after AWS refused it: only a person can remove the cause.
	refusalDuration = 24 * time.Hour
	// shortRefusalDuration is the same for a refusal that is less final: a quota, which the deletion of any database lowers, and a
	// check of the operator before the request, which costs nothing to repeat.
	shortRefusalDuration = time.Hour
	// maxRefusals is the most refusals that are remembered: the limit of status.refusals in the API.
	maxRefusals = 64
)

// AddRefusal remembers that AWS refused a call of an operation of a pool. It is remembered for the class that the call asks for.
// When the error is not about the class, or AWS has refused another class with the same words, it is remembered for all classes, so
// that the operator does not try one after the other.
func AddRefusal(
	known []scaling.Refusal, pool scaling.Pool, call scaling.Call, cause error, generation int64, now time.Time,
) []scaling.Refusal {
	refusal := scaling.Refusal{
		Pool: pool, Action: call.Action, InstanceClass: call.InstanceClass, Message: scaling.StableMessage(cause), Generation: generation,
		ExpiresAt: now.Add(refusalDuration).Truncate(time.Second),
	}
	if errors.Is(cause, scaling.ErrQuota) || !scaling.IsSentToAWS(cause) {
		refusal.ExpiresAt = now.Add(shortRefusalDuration).Truncate(time.Second)
	}
	refusals := ActiveRefusals(known, generation, now)
	switch call.Action {
	case scaling.DeleteReader, scaling.Failover, scaling.ModifyPromotionTier:
		refusal.InstanceClass, refusal.Instance = "", call.Instance
	case scaling.CreateReader, scaling.ModifyInstanceClass, scaling.ModifyClusterClass, scaling.ModifyCapacity,
		scaling.ModifyMinCapacity:
		text := withoutNames(refusal.Message, call.InstanceClass, call.Instance)
		isKnownForOther := slices.ContainsFunc(refusals, func(r scaling.Refusal) bool {
			return isSameRequest(r, refusal) && r.InstanceClass != call.InstanceClass && withoutNames(r.Message, r.InstanceClass, "") == text
		})
		if isKnownForOther || errors.Is(cause, scaling.ErrQuota) || !scaling.IsAboutClass(cause) {
			refusal.InstanceClass = ""
		}
	}
	refusals = slices.DeleteFunc(refusals, func(r scaling.Refusal) bool { // the new one takes their place
		isCovered := refusal.InstanceClass == "" || r.InstanceClass == refusal.InstanceClass
		return isSameRequest(r, refusal) && r.Instance == refusal.Instance && isCovered
	})
	refusals = append(refusals, refusal)
	return refusals[max(0, len(refusals)-maxRefusals):]
}

// isSameRequest reports whether two refusals concern the same kind of request, whatever its class.
func isSameRequest(a, b scaling.Refusal) bool { return a.Pool == b.Pool && a.Action == b.Action }

// withoutNames replaces the names of the class and of the instance in a message, so that two messages can be compared.
func withoutNames(message, class, instance string) string {
	for _, name := range []string{instance, class} {
		if name != "" {
			message = strings.ReplaceAll(message, name, "<name>")
		}
	}
	return message
}

// ActiveRefusals returns the refusals that have not expired. Those of another generation of the policy's spec are void: its edit may
// have removed the cause, or says that somebody looked at it.
func ActiveRefusals(refusals []scaling.Refusal, generation int64, now time.Time) []scaling.Refusal {
	var active []scaling.Refusal
	for _, r := range refusals {
		if r.Generation == generation && now.Before(r.ExpiresAt) {
			active = append(active, r)
		}
	}
	return active
}
