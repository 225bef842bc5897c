package scaling

import (
	"strings"
	"time"
)

// pausedIndefinitely is the end of a pause without an end: v1alpha1.PausedIndefinitely.
var pausedIndefinitely = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// IsPausedIndefinitely reports whether the pause has no end: it lasts until it is resumed.
func (m ManualControl) IsPausedIndefinitely() bool { return m.PausedUntil.Equal(pausedIndefinitely) }

// PauseEnd says until when the policy is paused, in RFC 3339 and UTC, or that it is until the pause is resumed.
func (m ManualControl) PauseEnd() string {
	if m.IsPausedIndefinitely() {
		return "it is resumed"
	}
	return m.PausedUntil.UTC().Format(time.RFC3339)
}

// PluginCommand is a command line of the kubectl plugin for a policy, which is named by its namespace/name.
func PluginCommand(policy, command string, flags ...string) string {
	words := []string{"kubectl dbscaler", command, policy}
	if namespace, name, found := strings.Cut(policy, "/"); found {
		words = []string{"kubectl dbscaler", command, name, "-n", namespace}
	}
	return strings.Join(append(words, flags...), " ")
}
