package catalog

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// serverlessFamily is the family of Aurora Serverless v2.
	serverlessFamily = "serverless"
	// acuSuffix ends the names that stand for a maximum capacity.
	acuSuffix = " ACU"
	// memoryPerACU is the memory of an Aurora capacity unit in bytes (Aurora user guide, "Aurora Serverless v2 capacity").
	memoryPerACU = 2 * gib
	// acusPerVCPU is how many capacity units come with a vCPU. AWS says "corresponding CPU": the memory-optimized classes that
	// Aurora runs on have 8 GiB a vCPU.
	acusPerVCPU = 4
	// maxACUs is the greatest maximum capacity (Aurora user guide, "Choosing the minimum and maximum capacity").
	maxACUs = 256
)

// ServerlessClassName names the maximum capacity of an Aurora Serverless v2 cluster as if it were a class, for example "16 ACU". It is empty
// where that is no whole number of vCPUs, and so cannot be sized for.
func ServerlessClassName(acus float64) string {
	whole := int(acus)
	if float64(whole) != acus || whole < acusPerVCPU || whole%acusPerVCPU != 0 || whole > maxACUs {
		return ""
	}
	return strconv.Itoa(whole) + acuSuffix
}

// ParseACUs reads what Capacity writes; zero when it is something else.
func ParseACUs(name string) int {
	number, found := strings.CutSuffix(name, acuSuffix)
	acus, err := strconv.Atoi(number)
	if !found || err != nil || ServerlessClassName(float64(acus)) != name {
		return 0
	}
	return acus
}

func serverlessClass(name string) (Class, bool) {
	acus := ParseACUs(name)
	return Class{
		Name: name, VCPU: acus / acusPerVCPU, MemoryBytes: int64(acus) * memoryPerACU, Family: serverlessFamily, Size: fmt.Sprint(acus), Aurora: true,
	}, acus > 0
}
