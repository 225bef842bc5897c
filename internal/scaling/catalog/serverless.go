package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	// serverlessFamily is the family of Aurora Serverless v2.
	serverlessFamily = "serverless"
	// acuSuffix is the suffix of the names of capacities.
	acuSuffix = " ACU"
	// memoryPerACU is the memory of an Aurora capacity unit in bytes (Aurora user guide, "Aurora Serverless v2 capacity").
	memoryPerACU = 2 * gib
	// ACUsPerVCPU is the number of Aurora capacity units per vCPU. AWS says "corresponding CPU": the memory-optimized classes that
	// Aurora runs on have 8 GiB per vCPU.
	ACUsPerVCPU = 4
	// MinMaximumACUs is the lowest maximum capacity. RDS refuses a lower one: "Serverless v2 maximum capacity 0.5 isn't valid. The
	// maximum capacity must be at least 1.0."
	MinMaximumACUs = 1
	// MaxACUs is the highest capacity. Older engine versions allow at most 128 (RDS API reference, ServerlessV2ScalingConfiguration).
	MaxACUs = 256
	// acuStep is the step of capacities (RDS API reference, ServerlessV2ScalingConfiguration).
	acuStep = 0.5
)

// ServerlessClassName is a capacity of Aurora Serverless v2, in Aurora capacity units (ACUs), in the form of a class name, for
// example "16 ACU" or "0.5 ACU". It is empty when RDS does not have the capacity: 0 to 256 ACUs in steps of 0.5.
func ServerlessClassName(acus float64) string {
	if !(acus >= 0 && acus <= MaxACUs) || acus/acuStep != float64(int(acus/acuStep)) {
		return ""
	}
	return strconv.FormatFloat(acus, 'f', -1, 64) + acuSuffix
}

// IsServerless reports whether the class is a maximum capacity of Aurora Serverless v2.
func (c Class) IsServerless() bool { return c.Family == serverlessFamily }

// ParseACUs is the inverse of ServerlessClassName; false for any other text.
func ParseACUs(name string) (acus float64, ok bool) {
	number, found := strings.CutSuffix(name, acuSuffix)
	if !found {
		return 0, false
	}
	acus, err := strconv.ParseFloat(number, 64)
	if err != nil || ServerlessClassName(acus) != name {
		return 0, false
	}
	return acus, true
}

// serverlessClass is a maximum capacity as a class; false when the name is not of that form. A capacity of zero has no vCPUs and so
// is no class.
func serverlessClass(name string) (Class, bool) {
	acus, ok := ParseACUs(name)
	return Class{
		Name: name, VCPU: acus / ACUsPerVCPU, MemoryBytes: int64(acus * memoryPerACU), Family: serverlessFamily,
		Size: fmt.Sprint(acus), Aurora: true,
	}, ok && acus > 0
}

// capacitySteps are the capacities, in ACUs, that the operator chooses between, besides the bounds of a policy. From 2 ACUs on each is
// a fifth to a third above the one before: smaller steps would only need more changes.
var capacitySteps = []float64{
	0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256,
}

// CapacitySteps lists the capacities from lowest to highest ACUs, both included, between which the operator chooses. It is empty when
// lowest is above highest.
func CapacitySteps(lowest, highest float64) []float64 {
	if lowest > highest {
		return nil
	}
	steps := []float64{lowest}
	for _, s := range capacitySteps {
		if s > lowest && s < highest {
			steps = append(steps, s)
		}
	}
	if highest > lowest {
		steps = append(steps, highest)
	}
	return steps
}

// autoPauseVersions are the first minor version of each major version of Aurora PostgreSQL, and the first version of Aurora MySQL,
// that can pause (Aurora user guide, "Scaling to Zero ACUs with automatic pause and resume"). Later major versions can, too.
var autoPauseVersions = map[string]map[int]int{
	"aurora-postgresql": {13: 15, 14: 12, 15: 7, 16: 3},
	"aurora-mysql":      {3: 8},
}

// SupportsAutoPause reports whether an engine version allows a minimum capacity of 0 ACUs. It is false for a version that cannot be
// read.
func SupportsAutoPause(engine, version string) bool {
	firstMinors, known := autoPauseVersions[engine]
	if _, auroraVersion, found := strings.Cut(version, "mysql_aurora."); found {
		version = auroraVersion
	}
	parts := strings.SplitN(version, ".", 3)
	if !known || len(parts) < 2 {
		return false
	}
	major, errMajor := strconv.Atoi(parts[0])
	digits, _, _ := strings.Cut(parts[1], "-") // as in 16.6-limitless
	minor, errMinor := strconv.Atoi(digits)
	if errMajor != nil || errMinor != nil {
		return false
	}
	firstMinor, listed := firstMinors[major]
	newest := 0
	for m := range firstMinors {
		newest = max(newest, m)
	}
	return listed && minor >= firstMinor || major > newest
}

// MaxConnectionsWithLowMinimum is the highest max_connections of Aurora PostgreSQL whose minimum capacity is 0 or 0.5 ACUs, see
// IsLowMinimum (Aurora user guide, "Maximum connections for Aurora Serverless v2").
const MaxConnectionsWithLowMinimum = 2000

// IsLowMinimum reports whether a minimum capacity, in ACUs, limits the connections of an engine to MaxConnectionsWithLowMinimum.
func IsLowMinimum(engine string, acus float64) bool {
	return engine == "aurora-postgresql" && slices.Contains([]float64{0, acuStep}, acus)
}

// serverlessMaxConnections is max_connections of Aurora PostgreSQL Serverless v2. It is the line through the figures of the guide: 189
// for a maximum of 1 ACU, 823 for 4, 1669 for 8, 3360 for 16, and 5000 from 32 on (Aurora user guide, "Maximum connections for Aurora
// Serverless v2"). It follows the maximum capacity, but only after a restart of the instance.
func (c Class) serverlessMaxConnections() int {
	acus := float64(c.MemoryBytes) / memoryPerACU
	return int(min(max(0, 211.4*acus-22.4), 5000))
}
