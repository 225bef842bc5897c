package guard

import (
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// paused blocks every change while a user has paused the policy. An invalid annotation pauses it as well.
func paused(in Input) (string, time.Duration, error) {
	manual := in.Policy.ManualControl
	switch {
	case !manual.IsPaused(in.Now):
		return "", 0, nil
	case manual.InvalidReason != "":
		return "an annotation is invalid, which pauses the policy: " + manual.InvalidReason, 0, nil
	}
	who := "a user"
	if manual.PausedBy != nil {
		who = manual.PausedBy.String()
	}
	retryAfter := manual.PausedUntil.Sub(in.Now)
	if manual.IsPausedIndefinitely() {
		retryAfter = 0
	}
	return fmt.Sprintf("%s paused the policy until %s. To resume now: %s, or remove the annotation scaling.dbscaler.io/paused-until", who,
		manual.PauseEnd(), scaling.PluginCommand(in.Policy.Name, "resume")), retryAfter, nil
}

// recommendMode blocks every change of a policy that only recommends.
func recommendMode(in Input) (string, time.Duration, error) {
	switch in.Policy.Mode {
	case scaling.Enforce, scaling.Approve:
		return "", 0, nil
	case scaling.Recommend:
		return "spec.mode is Recommend, so the operator only reports: set it to Enforce to let the operator act", 0, nil
	}
	return "", 0, fmt.Errorf("this version of dbscaler does not support spec.mode %q", in.Policy.Mode)
}

// approvalRequired waits, in the mode Approve, until a user approves the hash of this proposal. An override needs no approval.
func approvalRequired(in Input) (string, time.Duration, error) {
	if in.Policy.Mode != scaling.Approve || in.Proposal.Reason == scaling.ReasonOverride {
		return "", 0, nil
	}
	hash := in.Proposal.Hash(in.Policy.Target, in.Observation.ChangedAt(in.Proposal.Pool))
	if in.Policy.ManualControl.ApprovedHash == hash {
		return "", 0, nil
	}
	return fmt.Sprintf("spec.mode is Approve. To approve the change: %s; without the plugin: "+
		"kubectl annotate --overwrite dbsp %s scaling.dbscaler.io/approve=%s",
		scaling.PluginCommand(in.Policy.Name, "approve", "--hash", hash), kubectlArguments(in.Policy.Name), hash), 0, nil
}

// kubectlArguments turns namespace/name into arguments for kubectl.
func kubectlArguments(policy string) string {
	namespace, name, found := strings.Cut(policy, "/")
	if !found {
		return policy
	}
	return fmt.Sprintf("-n %s %s", namespace, name)
}
