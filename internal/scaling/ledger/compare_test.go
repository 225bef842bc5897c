package ledger

import (
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	line, err := Record(newInputs(95))
	if err != nil {
		t.Fatal(err)
	}
	same, err := Compare(line)
	if err != nil || len(same.Differences) > 0 || same.Entry.Inputs.Policy.Name == "" || len(same.Entry.Decision.Proposals) == 0 {
		t.Fatalf("an unchanged entry gives %+v, %v", same.Differences, err)
	}
	class := same.Entry.Decision.Proposals[0].To.InstanceClass
	replace := func(old, replacement string) []byte {
		t.Helper()
		changed := strings.Replace(string(line), old, replacement, 1)
		if changed == string(line) {
			t.Fatalf("the entry has no %s", old)
		}
		return []byte(changed)
	}
	for _, test := range []struct {
		name string
		line []byte
		want []string
	}{
		{"another decision", replace(`"Reason":"ScaleUp"`, `"Reason":"ScaleDown"`), []string{`Decision.Proposals[0].Reason was "ScaleDown", and is now "ScaleUp"`}},
		{"field that does not exist", replace(`"Decision":{`, `"Decision":{"Colour":1,`), []string{`Decision.Colour was 1, and is now absent`}},
		{"other bytes", replace(`"Decision":{`, `"Decision": {`), []string{`the encoding was `}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Compare(test.line)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range c.Differences {
				got = append(got, d.String())
			}
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if c.Entry.Decision.Proposals[0].To.InstanceClass != class {
				t.Errorf("the replayed entry is %+v", c.Entry.Decision)
			}
		})
	}
	if _, err := Compare([]byte("nonsense")); err == nil || !strings.Contains(err.Error(), "not a ledger entry") {
		t.Errorf("got %v", err)
	}
}
