package catalog

import (
	"errors"
	"strings"
	"testing"
)

func TestAll_ClassesAreComplete(t *testing.T) {
	all := All()
	if len(all) != 381 {
		t.Fatalf("got %d classes, want 381", len(all))
	}
	for n, c := range all {
		if !strings.HasPrefix(c.Name, "db."+c.Family+"."+c.Size) {
			t.Errorf("%s is not named db.<family>.<size> of %s and %s", c.Name, c.Family, c.Size)
		}
		if c.Architecture != "x86_64" && c.Architecture != "arm64" {
			t.Errorf("%s has the architecture %q", c.Name, c.Architecture)
		}
		if found, err := Lookup(c.Name); err != nil || found != c {
			t.Errorf("Lookup(%s) = %v, %v", c.Name, found, err)
		}
		if n > 0 && all[n-1].Family == c.Family && all[n-1].VCPU > c.VCPU {
			t.Errorf("%s comes after %s, which has more vCPUs", c.Name, all[n-1].Name)
		}
	}
}

func TestLookup_KnownClasses(t *testing.T) {
	for _, want := range []struct {
		name       string
		vcpu       float64
		memoryGiB  float64
		arch       string
		nvme, prev bool
	}{
		{"db.m3.medium", 1, 3.75, "x86_64", true, true},
		{"db.t4g.medium", 2, 4, "arm64", false, false},
		{"db.r6g.large", 2, 16, "arm64", false, false},
		{"db.r6g.16xlarge", 64, 512, "arm64", false, false},
		{"db.r6gd.xlarge", 4, 32, "arm64", true, false},
		{"db.r7i.48xlarge", 192, 1536, "x86_64", false, false},
		{"db.r5.2xlarge.tpc2.mem8x", 8, 512, "x86_64", false, false}, // 8 times the 64 GiB of db.r5.2xlarge
	} {
		t.Run(want.name, func(t *testing.T) {
			got, err := Lookup(want.name)
			if err != nil {
				t.Fatal(err)
			}
			if got.VCPU != want.vcpu || got.MemoryBytes != int64(want.memoryGiB*gib) {
				t.Errorf("got %g vCPU and %d bytes, want %g and %.2f GiB", got.VCPU, got.MemoryBytes, want.vcpu, want.memoryGiB)
			}
			if got.Architecture != want.arch || got.LocalNVMe != want.nvme || got.PreviousGeneration != want.prev {
				t.Errorf("got %s, NVMe %t, previous generation %t", got.Architecture, got.LocalNVMe, got.PreviousGeneration)
			}
			if burstable := strings.HasPrefix(got.Family, "t"); got.Burstable != burstable {
				t.Errorf("burstable is %t", got.Burstable)
			}
		})
	}
}

func TestVCPUFor_SQLServer(t *testing.T) {
	for _, test := range []struct {
		class, engine string
		want          float64
	}{
		{"db.m7i.2xlarge", "sqlserver-se", 4}, // hyper-threading is off
		{"db.m7i.2xlarge", "postgres", 8},
		{"db.m7i.xlarge", "sqlserver-se", 4}, // only from 2xlarge on
		{"db.m8a.16xlarge", "sqlserver-ee", 32},
		{"db.r7i.4xlarge", "aurora-postgresql", 16},
		{"db.r6i.2xlarge", "sqlserver-ex", 8},
	} {
		class, err := Lookup(test.class)
		if err != nil {
			t.Fatal(err)
		}
		if got := class.VCPUFor(test.engine); got != test.want {
			t.Errorf("%s has %g vCPU on %s, want %g", test.class, got, test.engine, test.want)
		}
	}
}

func TestSupports(t *testing.T) {
	for _, test := range []struct {
		class, engine string
		want          bool
	}{
		{"db.r6g.large", "aurora-postgresql", true},
		{"db.r6g.large", "aurora-mysql", true},
		{"db.r6g.large", "postgres", true},
		{"db.r6gd.large", "aurora-postgresql", false}, // Aurora begins at r6gd.xlarge
		{"db.m7i.large", "aurora-postgresql", false},
		{"db.m7i.large", "mysql", true},
		{"db.m8i.large", "sqlserver-web", true},
		{"db.m8i.large", "postgres", false},
		{"db.r5.large.tpc1.mem2x", "oracle-ee", true},
		{"db.r5.large.tpc1.mem2x", "sqlserver-ee", false},
		{"db.r5.large.tpc1.mem2x", "aurora-mysql", false},
	} {
		class, err := Lookup(test.class)
		if err != nil {
			t.Fatal(err)
		}
		if got := class.Supports(test.engine); got != test.want {
			t.Errorf("%s on %s is %t, want %t", test.class, test.engine, got, test.want)
		}
	}
}

func TestLookup_UnknownClass(t *testing.T) {
	for _, name := range []string{"", "r6g.large", "db.r6g", "db.r6g.3xlarge", "DB.R6G.LARGE", "db.serverless"} {
		_, err := Lookup(name)
		if !errors.Is(err, ErrUnknownClass) || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("Lookup(%q) returned the error %v", name, err)
		}
	}
}

func TestParseTable_InvalidData(t *testing.T) {
	head := strings.Join(tableHeader, ",") + "\n"
	good := "db.a.large,2,16,arm64,a,large,false,true,false,ec2,,,,,,\n"
	for _, test := range []struct{ name, data, want string }{
		{"empty", "", "at least one row"},
		{"no rows", head, "at least one row"},
		{"other columns", "name,cpu\ndb.a.large,2\n", "want the columns class,vcpu"},
		{"a column too few", head + good + "db.b.large,2,16\n", "line 3"},
		{"vCPUs are not a number", head + good + "db.b.large,two,16,arm64,b,large,false,true,false,ec2,,,,,,\n", "line 3"},
		{"zero vCPUs", head + good + good[:11] + "0" + good[12:], "line 3: db.a.large: vCPUs and memory must be above zero"},
		{"negative memory", head + "db.a.large,2,-1,arm64,a,large,false,true,false,ec2,,,,,,\n", "line 2"},
		{"invalid flag", head + good + "db.b.large,2,16,arm64,b,large,no,perhaps,false,ec2,,,,,,\n", "line 3"},
		{"duplicate class", head + good + good, "line 3: db.a.large is listed twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			classes, err := parseTable([]byte(test.data))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and %v, want an error that contains %q", classes, err, test.want)
			}
		})
	}
	classes, err := parseTable([]byte(head + good))
	if err != nil || len(classes) != 1 {
		t.Errorf("a valid table gives %v, %v", classes, err)
	}
}

// The maximum connections of every class are known for the engines that Aurora and RDS share.
func TestMaxConnections_EveryClass(t *testing.T) {
	for _, class := range All() {
		for _, engine := range []string{"aurora-postgresql", "aurora-mysql", "postgres", "mysql", "mariadb"} {
			if n, known := class.MaxConnections(engine); !known || n < 0 || n > 400_000 {
				t.Errorf("%s on %s: %d, %t", class.Name, engine, n, known)
			}
		}
	}
}
