package catalog

import "testing"

func TestServerlessClassName(t *testing.T) {
	for acus, want := range map[float64]string{4: "4 ACU", 16: "16 ACU", 256: "256 ACU", 0.5: "", 2: "", 10: "", 10.5: "", 260: ""} {
		if got := ServerlessClassName(acus); got != want {
			t.Errorf("%g is %q, want %q", acus, got, want)
		}
	}
	c, err := Lookup("16 ACU")
	if err != nil || c.VCPU != 4 || c.MemoryBytes != 32*gib || !c.Supports("aurora-postgresql") || c.Supports("postgres") || ParseACUs(c.Name) != 16 {
		t.Errorf("got %+v, %v", c, err)
	}
	for _, name := range []string{"10 ACU", "16ACU", "016 ACU", "-4 ACU", " ACU", "db.serverless"} {
		if c, err := Lookup(name); err == nil {
			t.Errorf("%q is %+v", name, c)
		}
	}
}
