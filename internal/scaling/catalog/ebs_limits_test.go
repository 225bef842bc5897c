package catalog

import (
	"strings"
	"testing"
)

// The figures are those of the AWS tables: the highest throughput in MB/s is the bandwidth divided by eight.
func TestLookup_EBSLimits(t *testing.T) {
	const mb = 1e6
	for _, test := range []struct {
		class             string
		baseline, highest EBSLimits
	}{
		{"db.r6g.large", EBSLimits{3600, 78.75 * mb}, EBSLimits{20000, 593.75 * mb}},
		{"db.r6g.4xlarge", EBSLimits{20000, 593.75 * mb}, EBSLimits{20000, 593.75 * mb}},
		{"db.r6i.4xlarge", EBSLimits{20000, 625 * mb}, EBSLimits{40000, 1250 * mb}},
		{"db.m5.large", EBSLimits{3600, 81.25 * mb}, EBSLimits{18750, 593.75 * mb}},
		{"db.r5b.2xlarge", EBSLimits{21667, 625 * mb}, EBSLimits{43333, 1250 * mb}},
		{"db.r7g.large", EBSLimits{3600, 78.75 * mb}, EBSLimits{40000, 1250 * mb}},
		{"db.m7i.48xlarge", EBSLimits{240000, 5000 * mb}, EBSLimits{240000, 5000 * mb}},
		{"db.r8g.48xlarge", EBSLimits{240000, 5000 * mb}, EBSLimits{240000, 5000 * mb}},
		{"db.r8i.96xlarge", EBSLimits{480000, 10000 * mb}, EBSLimits{480000, 10000 * mb}},
		{"db.t4g.medium", EBSLimits{2000, 43.375 * mb}, EBSLimits{11800, 260.625 * mb}},
		{"db.x2g.12xlarge", EBSLimits{60000, 1781.25 * mb}, EBSLimits{60000, 1781.25 * mb}},
		{"db.x2iedn.xlarge", EBSLimits{8125, 312.5 * mb}, EBSLimits{65000, 2500 * mb}},
		{"db.c6gd.medium", EBSLimits{2500, 39.375 * mb}, EBSLimits{20000, 593.75 * mb}},
		{"db.m4.10xlarge", EBSLimits{32000, 500 * mb}, EBSLimits{32000, 500 * mb}}, // the table says 8,000 Mbit/s and 500 MB/s
		{"db.r5.2xlarge.tpc2.mem8x", EBSLimits{}, EBSLimits{}},
		{"db.t2.medium", EBSLimits{}, EBSLimits{}},
		{"16 ACU", EBSLimits{}, EBSLimits{}},
	} {
		t.Run(test.class, func(t *testing.T) {
			class, err := Lookup(test.class)
			if err != nil {
				t.Fatal(err)
			}
			if class.BaselineEBS != test.baseline || class.MaxEBS != test.highest {
				t.Errorf("got %v and %v, want %v and %v", class.BaselineEBS, class.MaxEBS, test.baseline, test.highest)
			}
			if got, want := class.BurstsOnEBS(), test.baseline != test.highest; got != want {
				t.Errorf("bursts: %t, want %t", got, want)
			}
		})
	}
}

// A typing error in the table shows as a larger class with lower limits, or as a family without limits.
func TestAll_EBSLimitsGrowWithTheClass(t *testing.T) {
	withoutLimits := []string{"m3", "r3", "t2", "x2m"} // not optimized for EBS by default, or not in the tables
	known := 0
	for n, c := range All() {
		if c.BaselineEBS.IsKnown() {
			known++
		} else if !strings.Contains(c.Size, "tpc") && c.Name != "db.x2iezn.12xlarge" {
			found := false
			for _, family := range withoutLimits {
				found = found || c.Family == family
			}
			if !found {
				t.Errorf("%s has no EBS limits", c.Name)
			}
		}
		if n == 0 || All()[n-1].Family != c.Family {
			continue
		}
		smaller := All()[n-1]
		if smaller.BaselineEBS.IsKnown() && c.BaselineEBS.IsKnown() && smaller.VCPU < c.VCPU &&
			(smaller.BaselineEBS.IOPS > c.BaselineEBS.IOPS || smaller.BaselineEBS.BytesPerSecond > c.BaselineEBS.BytesPerSecond) {
			t.Errorf("%s has lower EBS limits than %s", c.Name, smaller.Name)
		}
	}
	if known != 311 {
		t.Errorf("%d classes have EBS limits, want 311", known)
	}
}

func TestParseTable_InvalidEBSLimits(t *testing.T) {
	head := strings.Join(tableHeader, ",") + "\n"
	row := "db.a.large,2,16,arm64,a,large,false,true,false,ec2,,"
	for _, test := range []struct{ name, limits, want string }{
		{"no source", "630,3600,4750,20000,", "must all be given"},
		{"no baseline IOPS", "630,,4750,20000,ec2-types", "must all be given"},
		{"not a number", "630,many,4750,20000,ec2-types", "invalid syntax"},
		{"zero", "0,3600,4750,20000,ec2-types", "above zero"},
		{"highest below the baseline", "630,3600,4750,2000,ec2-types", "not below the baseline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := parseTable([]byte(head + row + test.limits + "\n")); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v, want one that contains %q", err, test.want)
			}
		})
	}
}
