// Package catalog lists the RDS and Aurora instance classes: the vCPUs and memory of each, and the engines that it supports. A
// class that is not listed is an error; its figures are never guessed.
package catalog

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ErrUnknownClass means that the catalog does not have the class. The error that wraps it names the class.
var ErrUnknownClass = errors.New("unknown instance class")

// gib is one gibibyte in bytes.
const gib = 1 << 30

// classTable has one row per class. The classes are those of the AWS "Hardware specifications for DB instance
// classes" pages (RDS and Aurora user guides); vCPUs and memory are those of the EC2 type of the same name
// (DescribeInstanceTypes), which are the same as those of RDS.
//
// The EBS limits are those of the EC2 type of the same name, of x2gd for x2g, as ebs_source says: ec2-types is "Amazon EBS
// specifications" in the EC2 instance types guide (read in 2026), ec2-user-guide is "Amazon EBS-optimized instances" in the EC2
// user guide (2020 and 2021). Mbps are millions of bits per second, IOPS are operations of 16 KiB. No figure is derived from another
// class: where no source has one it is empty, as for classes with preconfigured memory, which run on larger hosts.
//
//go:embed instance_classes.csv
var classTable []byte

// Class is a DB instance class.
type Class struct {
	// Name is the name in the RDS API, for example db.r6g.large.
	Name string
	// VCPU is the number of vCPUs. It is a fraction only for small capacities of Aurora Serverless v2. SQL Server has fewer on some
	// classes: see VCPUFor.
	VCPU float64
	// MemoryBytes is the memory of the instance in bytes.
	MemoryBytes int64
	// Architecture is x86_64 or arm64.
	Architecture string
	// Family is the middle part of the name, for example r6g.
	Family string
	// Size is the last part of the name, for example large.
	Size string
	// LocalNVMe says whether the class has local NVMe storage, which Optimized Reads uses.
	LocalNVMe bool
	// Aurora says whether Aurora offers the class.
	Aurora bool
	// PreviousGeneration says whether AWS lists the class as previous generation.
	PreviousGeneration bool
	// Burstable says whether the class runs on CPU credits (the t families).
	Burstable bool
	// MultiAZClusterOnly says that only Multi-AZ DB clusters offer the class.
	MultiAZClusterOnly bool
	// OnlyEngine is the only engine family that the class supports ("oracle" or "sqlserver"), or empty.
	OnlyEngine string
	// BaselineEBS is what the class sustains, and MaxEBS what it reaches in bursts of 30 minutes a day; zero when no source says it.
	BaselineEBS, MaxEBS EBSLimits
	// HalfVCPUsOnSQLServer says that SQL Server has half the vCPUs by default: hyper-threading or half of the cores are disabled.
	HalfVCPUsOnSQLServer bool
}

// VCPUFor is the number of vCPUs that an engine has on this class. The engine is that of the RDS API, for example
// aurora-postgresql or sqlserver-se.
func (c *Class) VCPUFor(engine string) float64 {
	if c.HalfVCPUsOnSQLServer && strings.HasPrefix(engine, "sqlserver") {
		return c.VCPU / 2
	}
	return c.VCPU
}

// Supports reports whether the class can run the engine. Whether it can run a version of the engine in an availability zone, only
// AWS can tell.
func (c Class) Supports(engine string) bool {
	if strings.HasPrefix(engine, "aurora") {
		return c.Aurora
	}
	if c.MultiAZClusterOnly || c.Family == serverlessFamily || c.OnlyEngine != "" && !strings.HasPrefix(engine, c.OnlyEngine) {
		return false
	}
	// Oracle and SQL Server do not run on Graviton (RDS user guide, "DB instance classes").
	return c.Architecture != "arm64" || !strings.HasPrefix(engine, "oracle") && !strings.HasPrefix(engine, "sqlserver")
}

// classesByName parses the table on its first call.
var classesByName = sync.OnceValue(func() map[string]*Class {
	classes, err := parseTable(classTable)
	if err != nil {
		panic("catalog: the embedded class table is invalid: " + err.Error())
	}
	byName := make(map[string]*Class, len(classes))
	for name, class := range classes {
		byName[name] = &class
	}
	return byName
})

// Lookup finds a class by its name, or a capacity of Aurora Serverless v2 in the form of ServerlessClassName. The error
// wraps ErrUnknownClass.
func Lookup(name string) (Class, error) {
	c, err := Find(name)
	if err != nil {
		return Class{}, err
	}
	return *c, nil
}

// Find is Lookup without a copy: the class is shared, and must not be changed.
func Find(name string) (*Class, error) {
	if c, ok := classesByName()[name]; ok {
		return c, nil
	}
	if c, ok := serverlessClass(name); ok {
		return &c, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownClass, name)
}

// All lists every class by family, vCPUs and name.
func All() []Class {
	all := make([]Class, 0, len(classesByName()))
	for _, c := range classesByName() {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Class) int {
		if d := strings.Compare(a.Family, b.Family); d != 0 {
			return d
		}
		if d := cmp.Compare(a.VCPU, b.VCPU); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

var tableHeader = []string{
	"class", "vcpu", "memory_gib", "arch", "family", "size", "local_nvme", "aurora", "previous_gen", "source", "notes",
	"ebs_mbps", "ebs_iops", "ebs_max_mbps", "ebs_max_iops", "ebs_source",
}

func parseTable(data []byte) (map[string]Class, error) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || !slices.Equal(rows[0], tableHeader) {
		return nil, fmt.Errorf("want the columns %s and at least one row", strings.Join(tableHeader, ","))
	}
	classes := make(map[string]Class, len(rows)-1)
	for i, row := range rows[1:] {
		c, err := parseRow(row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		if _, twice := classes[c.Name]; twice {
			return nil, fmt.Errorf("line %d: %s is listed twice", i+2, c.Name)
		}
		classes[c.Name] = c
	}
	return classes, nil
}

func parseRow(row []string) (Class, error) {
	vcpu, errVCPU := strconv.Atoi(row[1])
	memory, errMemory := strconv.ParseFloat(row[2], 64)
	nvme, errNVMe := strconv.ParseBool(row[6])
	aurora, errAurora := strconv.ParseBool(row[7])
	previous, errPrevious := strconv.ParseBool(row[8])
	if err := errors.Join(errVCPU, errMemory, errNVMe, errAurora, errPrevious); err != nil {
		return Class{}, err
	}
	if vcpu <= 0 || memory <= 0 {
		return Class{}, fmt.Errorf("%s: vCPUs and memory must be above zero", row[0])
	}
	baselineEBS, maxEBS, err := parseEBSLimits(row)
	if err != nil {
		return Class{}, err
	}
	notes := row[10]
	c := Class{
		Name: row[0], VCPU: float64(vcpu), MemoryBytes: int64(memory * gib), Architecture: row[3], Family: row[4], Size: row[5],
		LocalNVMe: nvme, Aurora: aurora, PreviousGeneration: previous, BaselineEBS: baselineEBS, MaxEBS: maxEBS,
		Burstable:            strings.Contains(notes, "burstable"),
		MultiAZClusterOnly:   strings.Contains(notes, "Multi-AZ DB clusters only"),
		HalfVCPUsOnSQLServer: strings.Contains(notes, "SQL Server default vCPU is half"),
	}
	switch {
	case strings.HasPrefix(notes, "Oracle only"):
		c.OnlyEngine = "oracle"
	case strings.HasPrefix(notes, "SQL Server only"):
		c.OnlyEngine = "sqlserver"
	}
	return c, nil
}
