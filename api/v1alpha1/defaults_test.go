package v1alpha1_test

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestDefaults checks that the API server sets the default of each absent field and keeps the fields that are set.
func TestDefaults(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	defaults := map[string]string{
		"spec.mode":                                  "Recommend",
		"spec.readers.minReplicas":                   "1",
		"spec.readers.preference":                    "absent",
		"spec.cpu.targetPercent":                     "65",
		"spec.cpu.scaleUpPercent":                    "75",
		"spec.cpu.scaleDownPercent":                  "50",
		"spec.behavior.scaleUp.windowSeconds":        "120",
		"spec.behavior.scaleUp.cooldownSeconds":      "300",
		"spec.behavior.scaleDown.windowSeconds":      "3600",
		"spec.behavior.scaleDown.cooldownSeconds":    "600",
		"spec.behavior.scaleDown.classWindowSeconds": "86400",

		"spec.behavior.scaleDown.overloadedMinuteVCPUHours": "16",
		"spec.guardrails.maxOperationsPerDay":               "6",
		"spec.guardrails.surgeReaders":                      "1",
		"spec.guardrails.maxStepFactor":                     "4",
		"spec.guardrails.licenseGrowth":                     "Forbid",
		"spec.guardrails.ioLimits":                          "Check",
		"spec.guardrails.emergencyDisruption":               "Forbid",
		"spec.guardrails.maxHourlyCostUSD":                  "absent",
		"spec.readers.redundancy":                           "AllReaders",
		"spec.predictiveScaling.trend":                      "Enabled",
		"spec.predictiveScaling.history":                    "Enabled",
		"spec.afterEngineUpgrade.watchSeconds":              "86400",
		"spec.afterEngineUpgrade.scaleUpPercent":            "60",
		"spec.schedules":                                    "absent",
		"spec.prices":                                       "absent",
		"spec.writer":                                       "absent",
		"spec.disruptionWindows":                            "absent",
	}
	for _, test := range []struct {
		name    string
		written map[string]string // fields that the policy sets
	}{
		{name: "minimal policy gets all defaults"},
		{name: "empty objects get all defaults", written: map[string]string{
			"spec.cpu": "{}", "spec.behavior": "{}", "spec.guardrails": "{}", "spec.predictiveScaling": "{}", "spec.afterEngineUpgrade": "{}",
		}},
		{name: "empty nested objects get all defaults", written: map[string]string{"spec.behavior": "{scaleUp: {}, scaleDown: {}}"}},
		{name: "a set threshold is kept", written: map[string]string{"spec.cpu.scaleUpPercent": "70"}},
		{name: "a set window is kept", written: map[string]string{"spec.behavior.scaleUp.windowSeconds": "60"}},
		{name: "set zeros are kept", written: map[string]string{
			"spec.behavior.scaleUp.cooldownSeconds": "0", "spec.behavior.scaleDown.cooldownSeconds": "0",
			"spec.guardrails.surgeReaders": "0", "spec.afterEngineUpgrade.watchSeconds": "0",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := parsePolicy(t, clusterPolicy, namespace)
			for path, value := range test.written {
				setField(t, policy, path, value)
			}
			if err := c.Create(t.Context(), policy, strictDryRun...); err != nil {
				t.Fatal(err)
			}
			for path, want := range defaults {
				if written, ok := test.written[path]; ok {
					want = written
				}
				if got := getField(t, policy, path); got != want {
					t.Errorf("%s is %s, want %s", path, got, want)
				}
			}
		})
	}
	t.Run("an item of a list gets no default", func(t *testing.T) {
		policy := parsePolicy(t, clusterPolicy, namespace)
		setField(t, policy, "spec.disruptionWindows", `[{schedule: "0 2 * * *", durationSeconds: 60}]`)
		if err := c.Create(t.Context(), policy, strictDryRun...); err != nil {
			t.Fatal(err)
		}
		const want = "- durationSeconds: 60\n  schedule: 0 2 * * *"
		if got := getField(t, policy, "spec.disruptionWindows"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestSamples checks that each sample applies without unknown fields.
func TestSamples(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	files, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			policy := parsePolicy(t, string(text), namespace)
			if err := c.Create(t.Context(), policy, client.FieldValidation("Strict")); err != nil {
				t.Fatal(err)
			}
			if policy.GetKind() != "DBScalingPolicy" {
				return
			}
			kinds[getField(t, policy, "spec.targetRef.kind")+" "+getField(t, policy, "spec.mode")]++
		})
	}
	for _, want := range []string{"DBCluster Enforce", "DBInstance Enforce", "DBCluster Recommend"} {
		if kinds[want] == 0 {
			t.Errorf("no sample has the target kind and mode %q", want)
		}
	}
}
