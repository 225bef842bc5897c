package catalog

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// serverlessFamily is the family of Aurora Serverless v2.
	serverlessFamily = "serverless"
	// acuSuffix is the suffix of the names of maximum capacities.
	acuSuffix = " ACU"
	// memoryPerACU is the memory of an Aurora capacity unit in bytes (Aurora user guide, "Aurora Serverless v2 capacity").
	memoryPerACU = 2 * gib
	// acusPerVCPU is the number of Aurora capacity units per vCPU. AWS says "corresponding CPU": the memory-optimized classes that
	// Aurora runs on have 8 GiB per vCPU.
	acusPerVCPU = 4
	// maxACUs is the highest maximum capacity (Aurora user guide, "Choosing the minimum and maximum capacity").
	maxACUs = 256
)

// ServerlessClassName is the maximum capacity of an Aurora Serverless v2 cluster in the form of a class name, for example "16
// ACU". It is empty when the capacity is not a whole number of vCPUs, and so cannot be sized.
func ServerlessClassName(acus float64) string {
	whole := int(acus)
	if float64(whole) != acus || whole < acusPerVCPU || whole%acusPerVCPU != 0 || whole > maxACUs {
		return ""
	}
	return strconv.Itoa(whole) + acuSuffix
}

// ParseACUs is the inverse of ServerlessClassName; zero for any other text.
func ParseACUs(name string) int {
	number, found := strings.CutSuffix(name, acuSuffix)
	acus, err := strconv.Atoi(number)
	if !found || err != nil || ServerlessClassName(float64(acus)) != name {
		return 0
	}
	return acus
}

// serverlessClass is a maximum capacity as a class; false when the name is not of that form.
func serverlessClass(name string) (Class, bool) {
	acus := ParseACUs(name)
	return Class{
		Name: name, VCPU: acus / acusPerVCPU, MemoryBytes: int64(acus) * memoryPerACU, Family: serverlessFamily,
		Size: fmt.Sprint(acus), Aurora: true,
	}, acus > 0
}
