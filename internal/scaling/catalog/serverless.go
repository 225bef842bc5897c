package catalog

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// serverless is the family of Aurora Serverless v2.
	serverless = "serverless"
	// unit ends the names that stand for a maximum capacity.
	unit = " ACU"
	// memoryPerACU is the memory of an Aurora capacity unit in bytes (Aurora user guide, "Aurora Serverless v2 capacity").
	memoryPerACU = 2 * gib
	// acusPerVCPU is how many capacity units come with a vCPU. AWS says "corresponding CPU": the memory-optimized classes that
	// Aurora runs on have 8 GiB a vCPU.
	acusPerVCPU = 4
	// mostACUs is the greatest maximum capacity (Aurora user guide, "Choosing the minimum and maximum capacity").
	mostACUs = 256
)

// Capacity names the maximum capacity of an Aurora Serverless v2 cluster as if it were a class, for example "16 ACU". It is empty
// where that is no whole number of vCPUs, and so cannot be sized for.
func Capacity(acus float64) string {
	whole := int(acus)
	if float64(whole) != acus || whole < acusPerVCPU || whole%acusPerVCPU != 0 || whole > mostACUs {
		return ""
	}
	return strconv.Itoa(whole) + unit
}

// ACUs reads what Capacity writes; zero when it is something else.
func ACUs(name string) int {
	number, found := strings.CutSuffix(name, unit)
	acus, err := strconv.Atoi(number)
	if !found || err != nil || Capacity(float64(acus)) != name {
		return 0
	}
	return acus
}

func capacity(name string) (Class, bool) {
	acus := ACUs(name)
	return Class{
		Name: name, VCPU: acus / acusPerVCPU, MemoryBytes: int64(acus) * memoryPerACU, Family: serverless, Size: fmt.Sprint(acus), Aurora: true,
	}, acus > 0
}
