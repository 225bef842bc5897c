package guard

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// paused holds everything back while a person has paused the policy, or asked for something that cannot be read.
func paused(in Input) (string, time.Duration, error) {
	manual := in.Policy.ManualControl
	switch {
	case !manual.IsPaused(in.Now):
		return "", 0, nil
	case manual.InvalidReason != "":
		return "an annotation cannot be read, which counts as a pause: " + manual.InvalidReason, 0, nil
	}
	return fmt.Sprintf("a person paused the policy until %s", manual.PausedUntil.UTC().Format(time.RFC3339)), manual.PausedUntil.Sub(in.Now), nil
}

// recommendMode holds everything back for a policy that only recommends.
func recommendMode(in Input) (string, time.Duration, error) {
	switch in.Policy.Mode {
	case scaling.Enforce, scaling.Approve:
		return "", 0, nil
	case scaling.Recommend:
		return "spec.mode is Recommend, so this is only reported. Set it to Enforce to let the operator act", 0, nil
	}
	return "", 0, fmt.Errorf("this version of dbscaler does not know the mode %q", in.Policy.Mode)
}

// approvalRequired waits, in the mode Approve, for a person to name the hash of this very decision. What a person asked for
// by an override is approved by that.
func approvalRequired(in Input) (string, time.Duration, error) {
	if in.Policy.Mode != scaling.Approve || in.Proposal.Reason == scaling.ReasonOverride {
		return "", 0, nil
	}
	hash := in.Proposal.Hash(in.Policy.Target, in.Observation.ChangedAt(in.Proposal.Pool))
	if in.Policy.ManualControl.ApprovedHash == hash {
		return "", 0, nil
	}
	return fmt.Sprintf("spec.mode is Approve. To let it happen: kubectl annotate --overwrite dbsp %s scaling.dbscaler.io/approve=%s",
		kubectlArguments(in.Policy.Name), hash), 0, nil
}

// kubectlArguments turns namespace/name into arguments for kubectl.
func kubectlArguments(name string) string {
	for n := range name {
		if name[n] == '/' {
			return fmt.Sprintf("-n %s %s", name[:n], name[n+1:])
		}
	}
	return name
}
