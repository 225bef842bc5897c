package catalog

import (
	"strings"
	"testing"
)

func mustLookup(t *testing.T, name string) Class {
	t.Helper()
	class, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return class
}

func TestEvaluateFormula(t *testing.T) {
	const memory = 15.2 * gib
	for _, test := range []struct {
		text    string
		want    float64
		follows bool
		err     string
	}{
		{"1000", 1000, false, ""},
		{" 4096 ", 4096, false, ""},
		{"{DBInstanceClassMemory/9531392}", 1712, true, ""},
		{"LEAST({DBInstanceClassMemory/9531392},5000)", 1712, true, ""},
		{"LEAST({DBInstanceClassMemory/9531392},500)", 500, true, ""},
		{"SUM({DBInstanceClassMemory/12038},-50003)", 1305775, true, ""},
		{"{DBInstanceClassMemory*3/4}", 12240656793, true, ""},
		{"GREATEST({log(DBInstanceClassMemory/805306368)*45},{log(DBInstanceClassMemory/8187281408)*1000})", 194, true, ""},
		{"IF({DBInstanceVCPU},1,2)", 0, false, `"DBInstanceVCPU" is neither`},
		{"{AllocatedStorage/2}", 0, false, "AllocatedStorage"},
		{"{DBInstanceClassMemory/0}", 0, false, "division by zero"},
		{"{DBInstanceClassMemory/2", 0, false, `"}" is missing`},
		{"MEDIAN(1,2)", 0, false, "MEDIAN"},
		{"", 0, false, "unexpected"},
		{"10 20", 0, false, "unexpected"},
		{strings.Repeat("{", 100), 0, false, "nested"},
	} {
		got, follows, err := evaluateFormula(test.text, memory)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: got %g and error %v, want an error with %q", test.text, got, err, test.err)
			}
		case err != nil || got < test.want-1 || got > test.want+1 || follows != test.follows:
			t.Errorf("%q: got %.0f, follows the class: %t, error %v; want %.0f, %t", test.text, got, follows, err, test.want, test.follows)
		}
	}
}

// FuzzEvaluateFormula: no text makes the parser panic or run without end.
func FuzzEvaluateFormula(f *testing.F) {
	f.Add("GREATEST({log(DBInstanceClassMemory/805306368)*45},1)")
	f.Fuzz(func(_ *testing.T, text string) { _, _, _ = evaluateFormula(text, 16*gib) })
}

func TestClass_LimitsWith(t *testing.T) {
	large := mustLookup(t, "db.r6g.large") // 16 GiB
	for _, test := range []struct {
		name            string
		engine          string
		parameters      map[string]string
		connections     int
		cacheGiB        float64
		misfit, unknown string
	}{
		{"defaults", "aurora-postgresql", nil, 1712, 10.3, "", ""},
		{"literal that fits", "aurora-postgresql", map[string]string{"max_connections": "500"}, 500, 10.3, "", ""},
		{"literal above what the class holds", "aurora-postgresql", map[string]string{"max_connections": "5000"}, 5000, 10.3,
			"max_connections is set to 5000, and db.r6g.large holds 1712", ""},
		{"a formula above the default follows the class", "postgres", map[string]string{"max_connections": "{DBInstanceClassMemory/4000000}"}, 4080, 3.8, "", ""},
		{"literal buffer pool that fits", "aurora-mysql", map[string]string{"innodb_buffer_pool_size": "6442450944"}, 995, 6, "", ""},
		{"literal buffer pool above the memory", "mysql", map[string]string{"innodb_buffer_pool_size": "25769803776"}, 1297, 24,
			"innodb_buffer_pool_size is 24.0 GiB, and db.r6g.large has 15.2 GiB", ""},
		{"literal shared buffers, in pages", "postgres", map[string]string{"shared_buffers": "1703936"}, 1712, 13, "shared_buffers is 13.0 GiB", ""},
		{"formula of shared buffers", "postgres", map[string]string{"shared_buffers": "{DBInstanceClassMemory/16384}"}, 1712, 7.6, "", ""},
		{"formula that cannot be evaluated", "mysql", map[string]string{"innodb_buffer_pool_size": "{AllocatedStorage/2}"}, 1297, 11.4, "", "AllocatedStorage"},
	} {
		got := large.LimitsWith(test.engine, test.parameters)
		cache := got.CacheBytes / gib
		if got.MaxConnections != test.connections || cache < test.cacheGiB-0.1 || cache > test.cacheGiB+0.1 ||
			!strings.HasPrefix(got.Misfit, test.misfit) || (test.misfit == "") != (got.Misfit == "") || !strings.Contains(got.Unknown, test.unknown) ||
			(test.unknown == "") != (got.Unknown == "") {
			t.Errorf("%s: got %+v, want %d connections, %.1f GiB, misfit %q, unknown %q", test.name, got, test.connections, test.cacheGiB, test.misfit, test.unknown)
		}
	}
}
