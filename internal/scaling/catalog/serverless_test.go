package catalog

import (
	"slices"
	"testing"
)

func TestServerlessClassName(t *testing.T) {
	for acus, want := range map[float64]string{
		0: "0 ACU", 0.5: "0.5 ACU", 1: "1 ACU", 10: "10 ACU", 10.5: "10.5 ACU", 16: "16 ACU", 256: "256 ACU",
		-0.5: "", 0.25: "", 10.1: "", 256.5: "",
	} {
		if got := ServerlessClassName(acus); got != want {
			t.Errorf("%g is %q, want %q", acus, got, want)
		}
		if got, ok := ParseACUs(want); ok != (want != "") || ok && got != acus {
			t.Errorf("%q is %g, %t", want, got, ok)
		}
	}
	for name, want := range map[string]struct {
		vcpus       float64
		memoryBytes int64
	}{"16 ACU": {4, 32 * gib}, "10.5 ACU": {2.625, 21 * gib}, "0.5 ACU": {0.125, gib}} {
		c, err := Lookup(name)
		if err != nil || c.VCPU != want.vcpus || c.MemoryBytes != want.memoryBytes || !c.Supports("aurora-postgresql") || c.Supports("postgres") {
			t.Errorf("%q is %+v, %v", name, c, err)
		}
	}
	for _, name := range []string{"0 ACU", "10.25 ACU", "16.0 ACU", "16ACU", "016 ACU", "-4 ACU", " ACU", "NaN ACU", "1e1 ACU", "db.serverless"} {
		if c, err := Lookup(name); err == nil {
			t.Errorf("%q is %+v", name, c)
		}
	}
}

func TestCapacitySteps(t *testing.T) {
	for _, test := range []struct {
		lowest, highest float64
		want            []float64
	}{
		{0, 2, []float64{0, 0.5, 1, 1.5, 2}},
		{3.5, 10.5, []float64{3.5, 4, 5, 6, 8, 10, 10.5}},
		{7, 7, []float64{7}},
		{8, 4, nil},
	} {
		if got := CapacitySteps(test.lowest, test.highest); !slices.Equal(got, test.want) {
			t.Errorf("%g to %g: got %v, want %v", test.lowest, test.highest, got, test.want)
		}
	}
	for _, acus := range capacitySteps {
		if ServerlessClassName(acus) == "" {
			t.Errorf("RDS has no capacity of %g ACUs", acus)
		}
	}
}

func TestSupportsAutoPause(t *testing.T) {
	for _, test := range []struct {
		engine, version string
		want            bool
	}{
		{"aurora-postgresql", "16.3", true}, {"aurora-postgresql", "16.1", false}, {"aurora-postgresql", "13.15", true},
		{"aurora-postgresql", "12.20", false}, {"aurora-postgresql", "17.4", true}, {"aurora-postgresql", "15.10-limitless", true},
		{"aurora-mysql", "8.0.mysql_aurora.3.08.0", true}, {"aurora-mysql", "8.0.mysql_aurora.3.07.1", false},
		{"aurora-mysql", "8.0.mysql_aurora.4.00.0", true}, {"aurora-mysql", "new", false}, {"postgres", "16.3", false},
	} {
		if got := SupportsAutoPause(test.engine, test.version); got != test.want {
			t.Errorf("%s %s: got %t", test.engine, test.version, got)
		}
	}
}

// TestMaxConnections_Serverless compares with the figures of the Aurora user guide.
func TestMaxConnections_Serverless(t *testing.T) {
	for class, want := range map[string]int{"1 ACU": 189, "4 ACU": 823, "8 ACU": 1669, "16 ACU": 3360, "32 ACU": 5000, "256 ACU": 5000} {
		c, err := Lookup(class)
		if err != nil {
			t.Fatal(err)
		}
		if got, known := c.MaxConnections("aurora-postgresql"); !known || got < want-1 || got > want {
			t.Errorf("%s: got %d, want %d", class, got, want)
		}
	}
}
