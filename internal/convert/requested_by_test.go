package convert

import (
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestControl_Requester(t *testing.T) {
	const prefix = "scaling.dbscaler.io/"
	for _, test := range []struct {
		name        string
		control     Control
		annotations map[string]string
		want        *scaling.Requester
	}{
		{"nothing", Pause, nil, nil},
		{"pause", Pause, map[string]string{"paused-until": "T", "paused-by": "alice until T", "paused-reason": "index rebuild"},
			&scaling.Requester{User: "alice", Reason: "index rebuild"}},
		{"pause that another client changed", Pause, map[string]string{"paused-until": "T2", "paused-by": "alice until T", "paused-reason": "x"}, nil},
		{"pause that another client removed", Pause, map[string]string{"paused-by": "alice until T"}, nil},
		{"resumed", Pause, map[string]string{"paused-by": "system:serviceaccount:a:b resumed"}, &scaling.Requester{User: "system:serviceaccount:a:b"}},
		{"name without a user", Pause, map[string]string{"paused-until": "T", "paused-by": " until T"}, nil},
		{"name that ends like the record", Pause, map[string]string{"paused-until": "T", "paused-by": "bob until T until T"}, &scaling.Requester{User: "bob until T"}},
		{"override of both pools", Override, map[string]string{"override-until": "T", "override-readers": "2 x c", "override-writer": "d",
			"override-by": "alice until T readers 2 x c writer d"}, &scaling.Requester{User: "alice"}},
		{"override with another shape", Override, map[string]string{"override-until": "T", "override-readers": "3 x c",
			"override-by": "alice until T readers 2 x c"}, nil},
		{"override without an end", Override, map[string]string{"override-writer": "d", "override-by": "alice until  writer d"}, &scaling.Requester{User: "alice"}},
		{"ended override", Override, map[string]string{"override-by": "alice ended"}, &scaling.Requester{User: "alice"}},
		{"approval", Approval, map[string]string{"approve": "1a", "approve-by": "alice for 1a"}, &scaling.Requester{User: "alice"}},
		{"approval of another change", Approval, map[string]string{"approve": "1b", "approve-by": "alice for 1a"}, nil},
		{"revoked approval", Approval, map[string]string{"approve-by": "alice revoked"}, &scaling.Requester{User: "alice"}},
		{"resolution", Resolution, map[string]string{"resolve-conflict": "7", "resolve-conflict-by": "alice for 7", "resolve-conflict-reason": "a\nb\x1b[31m"},
			&scaling.Requester{User: "alice", Reason: "a b [31m"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			annotations := map[string]string{}
			for key, value := range test.annotations {
				annotations[prefix+key] = value
			}
			got := test.control.Requester(annotations)
			if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if got != nil && test.control.RecordValue(got.User, annotations) != annotations[test.control.By] {
				t.Errorf("the record is %q, want %q", test.control.RecordValue(got.User, annotations), annotations[test.control.By])
			}
		})
	}
	long := Pause.Requester(map[string]string{"scaling.dbscaler.io/paused-by": strings.Repeat("ä", 300) + " resumed"})
	if len([]rune(long.User)) != 256 {
		t.Errorf("a name of 300 runes has %d, want 256", len([]rune(long.User)))
	}
}
