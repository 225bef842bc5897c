package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestValidation sets one field at a time and checks the answer of a real API server. The message is part of the expected error about
// the field, and empty when the value is valid.
func TestValidation(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	for _, test := range []struct {
		base, path, value string
		field             string // the field of the expected error, if not path
		message           string
	}{
		// The target.
		{base: clusterPolicy, path: "spec.targetRef", value: "absent", message: "Required value"},
		{base: clusterPolicy, path: "spec.targetRef.kind", value: "absent", message: "Required value"},
		{base: clusterPolicy, path: "spec.targetRef.kind", value: "Cluster", message: `supported values: "DBCluster", "DBInstance"`},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: "absent", message: "Required value"},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: "db-1-a"},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: strings.Repeat("a", 63)},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: strings.Repeat("a", 64), message: "may not be more than 63 bytes"},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: `""`, message: identifierMessage},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: "Clinical-Engine", message: identifierMessage},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: "1st", message: identifierMessage},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: "db-", message: identifierMessage},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: "db--1", message: identifierMessage},
		{base: clusterPolicy, path: "spec.targetRef.identifier", value: "arn:aws:rds:eu-west-1:1:cluster:x", message: identifierMessage},
		{base: clusterPolicy, path: "spec.targetRef.region", value: "absent", message: "Required value"},
		{base: clusterPolicy, path: "spec.targetRef.region", value: "us-gov-west-1"},
		{base: clusterPolicy, path: "spec.targetRef.region", value: "ap-southeast-2"},
		{base: clusterPolicy, path: "spec.targetRef.region", value: "eu-isoe-west-1"},
		{base: clusterPolicy, path: "spec.targetRef.region", value: "eu-west-1a", message: "must be an AWS region such as eu-west-1"},
		{base: clusterPolicy, path: "spec.targetRef.region", value: "Ireland", message: "must be an AWS region such as eu-west-1"},
		{base: clusterPolicy, path: "spec.targetRef.region", value: strings.Repeat("a", 33), message: "may not be more than 32 bytes"},
		{base: clusterPolicy, path: "spec.targetRef.accountRef", value: "{name: production}"},
		{base: clusterPolicy, path: "spec.targetRef.accountRef", value: "{}", field: "spec.targetRef.accountRef.name", message: "Required value"},
		{base: clusterPolicy, path: "spec.targetRef.accountRef", value: `{name: ""}`, field: "spec.targetRef.accountRef.name",
			message: "should be at least 1 chars long"},

		// The account.
		{base: account, path: "spec.roleARN", value: "absent"},
		{base: account, path: "spec.roleARN", value: "arn:aws:iam::123456789012:role/dbscaler"},
		{base: account, path: "spec.roleARN", value: "arn:aws-us-gov:iam::123456789012:role/path/to/dbscaler"},
		{base: account, path: "spec.roleARN", value: "dbscaler", message: roleMessage},
		{base: account, path: "spec.roleARN", value: "arn:aws:iam::123456789012:user/dbscaler", message: roleMessage},
		{base: account, path: "spec.roleARN", value: "arn:aws:iam::1234:role/dbscaler", message: roleMessage},
		{base: account, path: "spec.externalID", value: "prod/eu-1"},
		{base: account, path: "spec.externalID", value: "a", message: "should be at least 2 chars long"},
		{base: account, path: "spec.externalID", value: "with space", message: "may contain letters"},
		{base: ownIdentity, path: "spec.externalID", value: "prod", field: "spec", message: "externalID requires roleARN"},
		{base: account, path: "spec.regions", value: "[eu-west-1, eu-central-1]"},
		{base: account, path: "spec.regions", value: "[]", message: "should have at least 1 items"},
		{base: account, path: "spec.regions", value: "[eu-west-1a]", field: "spec.regions[0]", message: "must be an AWS region"},
		{base: account, path: "spec.regions", value: "[eu-west-1, eu-west-1]", field: "spec.regions[1]", message: "Duplicate value"},
		{base: account, path: "spec.namespaceSelector", value: "absent", message: "Required value"},
		{base: account, path: "spec.namespaceSelector", value: "{}"},

		// Combinations of readers, writer and serverless.
		{base: instancePolicy, path: "spec.mode", value: "Enforce"},
		{base: instancePolicy, path: "spec.writer", value: "absent", field: "spec",
			message: "at least one of spec.readers, spec.writer and spec.serverless is required"},
		{base: instancePolicy, path: "spec.readers", value: "{instanceClasses: [db.m7g.large], maxReplicas: 1}"},
		{base: clusterPolicy, path: "spec.serverless", value: "{maxCapacity: {min: 8, max: 16}}", field: "spec",
			message: "spec.serverless requires targetRef.kind DBCluster and excludes spec.readers and spec.writer"},
		{base: clusterPolicy, path: "spec.readers", value: "absent", field: "spec",
			message: "at least one of spec.readers, spec.writer and spec.serverless is required"},
		{base: clusterPolicy, path: "spec.writer", value: "{instanceClasses: [db.r6g.xlarge]}"},
		{base: clusterPolicy, path: "spec.mode", value: "Recommend"},
		{base: clusterPolicy, path: "spec.mode", value: "Approve"},
		{base: clusterPolicy, path: "spec.mode", value: "Observe", message: `supported values: "Enforce", "Recommend", "Approve"`},

		// Prices and limits of guardrails.
		{base: clusterPolicy, path: "spec.guardrails.maxHourlyCostUSD", value: `"6.00"`},
		{base: clusterPolicy, path: "spec.guardrails.maxHourlyCostUSD", value: `"6"`},
		{base: clusterPolicy, path: "spec.guardrails.maxHourlyCostUSD", value: `"6,00"`, message: amountMessage},
		{base: clusterPolicy, path: "spec.guardrails.maxHourlyCostUSD", value: `"-6.00"`, message: amountMessage},
		{base: clusterPolicy, path: "spec.guardrails.maxHourlyCostUSD", value: `"1e3"`, message: amountMessage},
		{base: clusterPolicy, path: "spec.prices", value: `[{instanceClass: db.r6g.large, hourlyPriceUSD: "0.26"}]`},
		{base: clusterPolicy, path: "spec.prices", value: `[{instanceClass: db.r6g.large}]`, field: "spec.prices[0].hourlyPriceUSD", message: "Required value"},
		{base: clusterPolicy, path: "spec.prices", value: `[{instanceClass: db.r6g.large, hourlyPriceUSD: cheap}]`, field: "spec.prices[0].hourlyPriceUSD",
			message: "must be an amount in US dollars such as 0.52"},
		{base: clusterPolicy, path: "spec.prices", field: "spec.prices[1]", message: "Duplicate value",
			value: `[{instanceClass: db.r6g.large, hourlyPriceUSD: "0.26"}, {instanceClass: db.r6g.large, hourlyPriceUSD: "0.27"}]`},
		{base: clusterPolicy, path: "spec.guardrails.maxStepFactor", value: "2"},
		{base: clusterPolicy, path: "spec.guardrails.ioLimits", value: "Ignore"},
		{base: clusterPolicy, path: "spec.guardrails.ioLimits", value: "Never", message: `supported values: "Check", "Ignore"`},
		{base: clusterPolicy, path: "spec.guardrails.maxStepFactor", value: "1", message: "should be greater than or equal to 2"},
		{base: clusterPolicy, path: "spec.guardrails.licenseGrowth", value: "Allow"},
		{base: clusterPolicy, path: "spec.guardrails.licenseGrowth", value: "Yes", message: `supported values: "Forbid", "Allow"`},
		{base: clusterPolicy, path: "spec.guardrails.emergencyDisruption", value: "Allow"},
		{base: clusterPolicy, path: "spec.guardrails.emergencyDisruption", value: "Maybe", message: `supported values: "Forbid", "Allow"`},

		// Redundancy, predictive scaling and the watch period after an upgrade.
		{base: clusterPolicy, path: "spec.readers.redundancy", value: "OneReaderLost"},
		{base: clusterPolicy, path: "spec.readers.redundancy", value: "None", message: `supported values: "AllReaders", "OneReaderLost"`},
		{base: clusterPolicy, path: "spec.predictiveScaling.trend", value: "Disabled"},
		{base: clusterPolicy, path: "spec.predictiveScaling.history", value: "false", message: "must be of type string"},
		{base: clusterPolicy, path: "spec.afterEngineUpgrade.watchSeconds", value: "0"},
		{base: clusterPolicy, path: "spec.afterEngineUpgrade.watchSeconds", value: "604801", message: "should be less than or equal to 604800"},
		{base: clusterPolicy, path: "spec.afterEngineUpgrade.scaleUpPercent", value: "14", message: "should be greater than or equal to 15"},

		// Schedules.
		{base: clusterPolicy, path: "spec.schedules", value: `[{name: a, schedule: "0 2 * * *", durationSeconds: 60, readers: {minReplicas: 2}}]`},
		{base: clusterPolicy, path: "spec.schedules", value: `[{name: a, startTime: "2026-11-27T08:00:00Z", durationSeconds: 60, readers: {minInstanceClass: db.r6g.large}}]`},
		{base: clusterPolicy, path: "spec.schedules", value: `[{name: a, durationSeconds: 60, readers: {minReplicas: 2}}]`, field: "spec.schedules[0]",
			message: "exactly one of schedule (recurring window) and startTime (single window) is required"},
		{base: clusterPolicy, path: "spec.schedules", field: "spec.schedules[0]", message: "exactly one of schedule (recurring window) and startTime (single window) is required",
			value: `[{name: a, schedule: "0 2 * * *", startTime: "2026-11-27T08:00:00Z", durationSeconds: 60, readers: {minReplicas: 2}}]`},
		{base: clusterPolicy, path: "spec.schedules", value: `[{name: a, schedule: "0 2 * * *", durationSeconds: 60}]`, field: "spec.schedules[0]",
			message: "at least one of readers and writer is required"},
		{base: clusterPolicy, path: "spec.schedules", value: `[{name: a, schedule: "0 2 * * *", durationSeconds: 60, writer: {minInstanceClass: db.r6g.large}}]`,
			field: "spec", message: "a schedule sets writer: spec.writer is required"},
		{base: instancePolicy, path: "spec.schedules", value: `[{name: a, schedule: "0 2 * * *", durationSeconds: 60, readers: {minReplicas: 2}}]`,
			field: "spec", message: "a schedule sets readers: spec.readers is required"},
		{base: clusterPolicy, path: "spec.schedules", value: `[{name: a, schedule: "0 2 * * *", durationSeconds: 60, readers: {minReplicas: 15}}]`,
			field: "spec", message: "a schedule's readers.minReplicas must not be above spec.readers.maxReplicas"},
		{base: clusterPolicy, path: "spec.schedules", value: `[{name: a, schedule: "0 2 * * *", durationSeconds: 60, readers: {minInstanceClass: db.x2g.large}}]`,
			field: "spec", message: "a schedule's readers.minInstanceClass must be one of spec.readers.instanceClasses"},

		// The readers.
		{base: clusterPolicy, path: "spec.readers.minReplicas", value: "4"},
		{base: clusterPolicy, path: "spec.readers.minReplicas", value: "0", message: "should be greater than or equal to 1"},
		{base: clusterPolicy, path: "spec.readers.minReplicas", value: "16", message: "should be less than or equal to 15"},
		{base: clusterPolicy, path: "spec.readers.minReplicas", value: "5", field: "spec.readers",
			message: "minReplicas must not be above maxReplicas"},
		{base: clusterPolicy, path: "spec.readers.maxReplicas", value: "absent", message: "Required value"},
		{base: clusterPolicy, path: "spec.readers.maxReplicas", value: "1"},
		{base: clusterPolicy, path: "spec.readers.maxReplicas", value: "15"},
		{base: clusterPolicy, path: "spec.readers.maxReplicas", value: "0", message: "should be greater than or equal to 1"},
		{base: clusterPolicy, path: "spec.readers.maxReplicas", value: "16", message: "should be less than or equal to 15"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: CostCenter, value: "4711"}, {key: "team: a@b/c", value: ""}]`},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: Größe, value: groß}]`},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: a}]`, field: "spec.readers.tags[0].value", message: "Required value"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: a, value: b}, {key: a, value: c}]`, field: "spec.readers.tags[1]", message: "Duplicate value"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: "a*", value: b}]`, field: "spec.readers.tags[0].key", message: "which RDS accepts"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: a, value: "*"}]`, field: "spec.readers.tags[0].value", message: "which RDS accepts"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: "AWS:a", value: b}]`, field: "spec.readers.tags[0].key", message: "must not begin with"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: "rds:a", value: b}]`, field: "spec.readers.tags[0].key", message: "must not begin with"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: a, value: "aws:b"}]`, field: "spec.readers.tags[0].value", message: "which AWS reserves"},
		{base: clusterPolicy, path: "spec.readers.tags", value: `[{key: dbscaler.io/created-by, value: b}]`, field: "spec.readers.tags[0].key",
			message: "dbscaler set these tags"},
		{base: clusterPolicy, path: "spec.readers.tags", value: manyTags(40)},
		{base: clusterPolicy, path: "spec.readers.tags", value: manyTags(41), message: "must have at most 40 items"},
		{base: clusterPolicy, path: "spec.readers.preference", value: "Vertical"},
		{base: clusterPolicy, path: "spec.readers.preference", value: "Horizontal"},
		{base: clusterPolicy, path: "spec.readers.preference", value: "Fastest",
			message: `supported values: "Cheapest", "Vertical", "Horizontal"`},

		// The thresholds.
		{base: clusterPolicy, path: "spec.cpu", value: "{}"},
		{base: clusterPolicy, path: "spec.cpu", value: "{scaleDownPercent: 1, targetPercent: 10, scaleUpPercent: 15}"},
		{base: clusterPolicy, path: "spec.cpu", value: "{scaleDownPercent: 80, targetPercent: 85, scaleUpPercent: 90}"},
		{base: clusterPolicy, path: "spec.cpu", value: "{targetPercent: 75}", message: targetMessage},
		{base: clusterPolicy, path: "spec.cpu", value: "{scaleUpPercent: 65}", message: targetMessage},
		{base: clusterPolicy, path: "spec.cpu", value: "{targetPercent: 50}", message: scaleDownMessage},
		{base: clusterPolicy, path: "spec.cpu", value: "{scaleDownPercent: 65}", message: scaleDownMessage},
		{base: clusterPolicy, path: "spec.cpu.targetPercent", value: "9", message: "should be greater than or equal to 10"},
		{base: clusterPolicy, path: "spec.cpu.targetPercent", value: "86", message: "should be less than or equal to 85"},
		{base: clusterPolicy, path: "spec.cpu.targetPercent", value: "55.5", message: "must be of type int32"},
		{base: clusterPolicy, path: "spec.cpu.scaleUpPercent", value: "14", message: "should be greater than or equal to 15"},
		{base: clusterPolicy, path: "spec.cpu.scaleUpPercent", value: "91", message: "should be less than or equal to 90"},
		{base: clusterPolicy, path: "spec.cpu.scaleDownPercent", value: "0", message: "should be greater than or equal to 1"},
		{base: clusterPolicy, path: "spec.cpu.scaleDownPercent", value: "81", message: "should be less than or equal to 80"},

		// Windows and cooldowns.
		{base: clusterPolicy, path: "spec.behavior", value: "{scaleUp: {}, scaleDown: {}}"},
		{base: clusterPolicy, path: "spec.behavior.scaleUp.windowSeconds", value: "60"},
		{base: clusterPolicy, path: "spec.behavior.scaleUp.windowSeconds", value: "59", message: "should be greater than or equal to 60"},
		{base: clusterPolicy, path: "spec.behavior.scaleUp.windowSeconds", value: "3601", message: "should be less than or equal to 3600"},
		{base: clusterPolicy, path: "spec.behavior.scaleUp.cooldownSeconds", value: "0"},
		{base: clusterPolicy, path: "spec.behavior.scaleUp.cooldownSeconds", value: "-1", message: "should be greater than or equal to 0"},
		{base: clusterPolicy, path: "spec.behavior.scaleUp.cooldownSeconds", value: "86401",
			message: "should be less than or equal to 86400"},
		{base: clusterPolicy, path: "spec.behavior.scaleDown.windowSeconds", value: "599",
			message: "should be greater than or equal to 600"},
		{base: clusterPolicy, path: "spec.behavior.scaleDown.windowSeconds", value: "86401",
			message: "should be less than or equal to 86400"},
		{base: clusterPolicy, path: "spec.behavior.scaleDown.cooldownSeconds", value: "0"},
		{base: clusterPolicy, path: "spec.behavior.scaleDown.cooldownSeconds", value: "604801",
			message: "should be less than or equal to 604800"},

		// The guardrails.
		{base: clusterPolicy, path: "spec.guardrails", value: "{maxOperationsPerDay: 48, surgeReaders: 0}"},
		{base: clusterPolicy, path: "spec.guardrails.maxOperationsPerDay", value: "0", message: "should be greater than or equal to 1"},
		{base: clusterPolicy, path: "spec.guardrails.maxOperationsPerDay", value: "49", message: "should be less than or equal to 48"},
		{base: clusterPolicy, path: "spec.guardrails.surgeReaders", value: "-1", message: "should be greater than or equal to 0"},
		{base: clusterPolicy, path: "spec.guardrails.surgeReaders", value: "2", message: "should be less than or equal to 1"},
		{base: clusterPolicy, path: "spec.disruptionWindows", value: "[]", message: "should have at least 1 items"},
		{base: clusterPolicy, path: "spec.disruptionWindows", value: repeatElement(16, `{schedule: "0 2 * * *", durationSeconds: 60}`)},
		{base: clusterPolicy, path: "spec.disruptionWindows", value: repeatElement(17, `{schedule: "0 2 * * *", durationSeconds: 60}`),
			message: "must have at most 16 items"},
	} {
		t.Run(test.path+"="+test.value, func(t *testing.T) {
			policy := parsePolicy(t, test.base, namespace)
			setField(t, policy, test.path, test.value)
			field := test.field
			if field == "" {
				field = test.path
			}
			expectValidationError(t, c.Create(t.Context(), policy, strictDryRun...), field, test.message)
		})
	}
}

const (
	identifierMessage = "must consist of lower-case letters, digits and single hyphens, start with a letter and not end with a hyphen"
	roleMessage       = "must be a role ARN such as arn:aws:iam::123456789012:role/dbscaler"
	amountMessage     = "must be an amount in US dollars such as 6.00"
	targetMessage     = "targetPercent (default 65) must be less than scaleUpPercent (default 75)"
	scaleDownMessage  = "scaleDownPercent (default 50) must be less than targetPercent (default 65)"
)

// repeatElement returns a YAML list with the same element n times.
func repeatElement(n int, element string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+", ", n), ", ") + "]"
}

// TestInstanceClasses checks that the same rules apply to the classes of readers and writer.
func TestInstanceClasses(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	const (
		invalidClass = "must be an instance class such as db.r6g.xlarge"
		duplicate    = "instanceClasses must not contain duplicates"
		unsorted     = "instanceClasses must be sorted by size, smallest first"
	)
	for _, test := range []struct {
		name, classes string
		element       string // the list element of the expected error
		message       string
	}{
		{name: "one class is valid", classes: "[db.r6g.large]"},
		{name: "all sizes in order are valid", classes: "[db.t4g.micro, db.t4g.small, db.t4g.medium, db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge, " +
			"db.r6g.4xlarge, db.r6g.8xlarge, db.r6g.12xlarge, db.r6g.16xlarge, db.x2iedn.24xlarge, db.x2iedn.32xlarge]"},
		{name: "two families are valid", classes: "[db.r6g.large, db.r7g.large, db.r7g.xlarge]"},
		{name: "Oracle classes with threads and memory are valid", classes: "[db.r5.2xlarge.tpc1.mem2x, db.r5.4xlarge.tpc2.mem2x]"},
		{name: "16 classes are valid", classes: "[db.a1.large, db.a2.large, db.a3.large, db.a4.large, db.a5.large, " +
			"db.a6.large, db.a7.large, db.a8.large, db.b1.large, db.b2.large, db.b3.large, db.b4.large, db.b5.large, db.b6.large, " +
			"db.b7.large, db.b8.large]"},
		{name: "missing list is rejected", classes: "absent", message: "Required value"},
		{name: "empty list is rejected", classes: "[]", message: "should have at least 1 items"},
		{name: "17 classes are rejected", classes: repeatElement(17, "db.r6g.large"), message: "must have at most 16 items"},
		{name: "EC2 class is rejected", classes: "[r6g.large]", element: "[0]", message: invalidClass},
		{name: "class without size is rejected", classes: "[db.serverless]", element: "[0]", message: invalidClass},
		{name: "unknown size is rejected", classes: "[db.r6g.2large]", element: "[0]", message: invalidClass},
		{name: "upper case is rejected", classes: "[db.R6g.large]", element: "[0]", message: invalidClass},
		{name: "empty class is rejected", classes: `[""]`, element: "[0]", message: invalidClass},
		{name: "invalid second class is rejected", classes: "[db.r6g.large, xlarge]", element: "[1]", message: invalidClass},
		{name: "duplicate is rejected", classes: "[db.r6g.large, db.r6g.large]", message: duplicate},
		{name: "largest first is rejected", classes: "[db.r6g.xlarge, db.r6g.large]", message: unsorted},
		{name: "alphabetical order is rejected", classes: "[db.r6g.12xlarge, db.r6g.2xlarge]", message: unsorted},
		{name: "medium after large is rejected", classes: "[db.r6g.large, db.t4g.medium]", message: unsorted},
		{name: "small after medium is rejected", classes: "[db.t4g.medium, db.t4g.small]", message: unsorted},
		{name: "micro after small is rejected", classes: "[db.t4g.small, db.t4g.micro]", message: unsorted},
	} {
		for pool, base := range map[string]string{"readers": clusterPolicy, "writer": instancePolicy} {
			t.Run(test.name+"/"+pool, func(t *testing.T) {
				policy := parsePolicy(t, base, namespace)
				path := "spec." + pool + ".instanceClasses"
				setField(t, policy, path, test.classes)
				err := c.Create(t.Context(), policy, strictDryRun...)
				expectValidationError(t, err, path+test.element, test.message)
				for _, message := range validationErrors(t, err) {
					if strings.Contains(message, "evaluating rule") {
						t.Errorf("a CEL rule could not be evaluated: %s", message)
					}
				}
			})
		}
	}
}

func TestDisruptionWindow(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	const fields = "schedule must have five fields separated by single spaces: minute, hour, day of month, month, day of week"
	for _, test := range []struct{ name, window, field, message string }{
		{name: "nightly window is valid", window: `{schedule: "0 2 * * *", durationSeconds: 7200, timeZone: Europe/Amsterdam}`},
		{name: "lists, ranges and names are valid", window: `{schedule: "0,30 */4 1-7 JAN-MAR SUN", durationSeconds: 604800}`},
		{name: "single window is valid", window: `{startTime: "2026-11-27T08:00:00Z", durationSeconds: 7200}`},
		{name: "neither schedule nor startTime is rejected", window: `{durationSeconds: 60}`, message: "exactly one of schedule (recurring window) and startTime (single window) is required"},
		{name: "both schedule and startTime are rejected", window: `{schedule: "0 2 * * *", startTime: "2026-11-27T08:00:00Z", durationSeconds: 60}`,
			message: "exactly one of schedule (recurring window) and startTime (single window) is required"},
		{name: "missing duration is rejected", window: `{schedule: "0 2 * * *"}`, field: ".durationSeconds", message: "Required value"},
		{name: "four fields are rejected", window: `{schedule: "0 2 * * ", durationSeconds: 60}`, field: ".schedule", message: fields},
		{name: "six fields are rejected", window: `{schedule: "0 0 2 * * *", durationSeconds: 60}`, field: ".schedule", message: fields},
		{name: "nickname is rejected", window: `{schedule: "@daily", durationSeconds: 60}`, field: ".schedule", message: fields},
		{name: "two spaces are rejected", window: `{schedule: "0 2  * * *", durationSeconds: 60}`, field: ".schedule", message: fields},
		{name: "schedule above 128 bytes is rejected", window: `{schedule: "` + strings.Repeat("0", 121) + ` 2 * * *", durationSeconds: 60}`,
			field: ".schedule", message: "may not be more than 128 bytes"},
		{name: "duration below a minute is rejected", window: `{schedule: "0 2 * * *", durationSeconds: 59}`, field: ".durationSeconds",
			message: "should be greater than or equal to 60"},
		{name: "duration above a week is rejected", window: `{schedule: "0 2 * * *", durationSeconds: 604801}`, field: ".durationSeconds",
			message: "should be less than or equal to 604800"},
		{name: "empty time zone is rejected", window: `{schedule: "0 2 * * *", durationSeconds: 60, timeZone: ""}`, field: ".timeZone",
			message: "should be at least 1 chars long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := parsePolicy(t, clusterPolicy, namespace)
			setField(t, policy, "spec.disruptionWindows", "["+test.window+"]")
			expectValidationError(t, c.Create(t.Context(), policy, strictDryRun...), "spec.disruptionWindows[0]"+test.field, test.message)
		})
	}
}

// manyTags is a list of n tags.
func manyTags(n int) string {
	var tags []string
	for i := range n {
		tags = append(tags, fmt.Sprintf("{key: key-%d, value: value}", i))
	}
	return "[" + strings.Join(tags, ", ") + "]"
}
