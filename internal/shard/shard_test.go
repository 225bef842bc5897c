package shard

import (
	"fmt"
	"strings"
	"testing"
)

// scopes returns that many scopes as package controllers names them.
func scopes(count int) []string {
	out := make([]string, count)
	regions := []string{"eu-west-1", "us-east-1", "ap-southeast-2"}
	for n := range out {
		out[n] = fmt.Sprintf("%s|account-%04d", regions[n%len(regions)], n/len(regions))
	}
	return out
}

// TestAssignment_EachScopeHasOneOwner: of all shards of a total, exactly one owns a scope.
func TestAssignment_EachScopeHasOneOwner(t *testing.T) {
	for total := 1; total <= 12; total++ {
		for _, scope := range scopes(300) {
			owners := 0
			for index := range total {
				if (Assignment{Index: index, Total: total}).Owns(scope) {
					owners++
				}
			}
			if owners != 1 {
				t.Fatalf("%d of %d shards own %s, want 1", owners, total, scope)
			}
		}
	}
	if !(Assignment{}).Owns("eu-west-1|") {
		t.Error("without shards the operator does not own a scope")
	}
}

// TestOwner_MovesFewScopes: a shard that is added takes about its share, and no scope moves between the others.
func TestOwner_MovesFewScopes(t *testing.T) {
	const count = 3000
	for total := 1; total <= 12; total++ {
		moved := 0
		for _, scope := range scopes(count) {
			before, after := Owner(scope, total), Owner(scope, total+1)
			if before == after {
				continue
			}
			moved++
			if after != total {
				t.Fatalf("from %d to %d shards %s moves from shard %d to %d, want to the new one", total, total+1, scope, before, after)
			}
		}
		if share := count / (total + 1); moved < share*3/4 || moved > share*5/4 {
			t.Errorf("from %d to %d shards %d of %d scopes move, want about %d", total, total+1, moved, count, share)
		}
	}
}

// TestOwner_DividesEvenly: 1,000 scopes are divided within a quarter of the mean, also when they are called alike.
func TestOwner_DividesEvenly(t *testing.T) {
	for _, total := range []int{2, 3, 5, 8} {
		counts := make([]int, total)
		for _, scope := range scopes(1000) {
			counts[Owner(scope, total)]++
		}
		mean := 1000 / total
		for index, n := range counts {
			if n < mean*3/4 || n > mean*5/4 {
				t.Errorf("shard %d of %d owns %d of 1,000 scopes, want about %d: %v", index, total, n, mean, counts)
			}
		}
	}
}

// TestOwner_IsTheSameInEveryVersion compares with recorded owners. If this test fails, do not record new ones: shards of two versions
// would both act on a scope, or neither would.
func TestOwner_IsTheSameInEveryVersion(t *testing.T) {
	for scope, want := range map[string][]int{ // with 2, 3, 4, 5 and 8 shards
		"eu-west-1|":            {0, 0, 0, 0, 0},
		"eu-west-1|production":  {0, 0, 3, 3, 3},
		"us-east-1|production":  {1, 1, 3, 4, 7},
		"us-east-1|staging":     {0, 0, 0, 0, 0},
		"ap-southeast-2|team-a": {1, 1, 1, 1, 1},
		"eu-central-1|team-b":   {0, 0, 0, 0, 7},
		"eu-north-1|team-c":     {1, 1, 1, 1, 1},
	} {
		for n, total := range []int{2, 3, 4, 5, 8} {
			if got := Owner(scope, total); got != want[n] {
				t.Errorf("shard %d of %d owns %q, want %d", got, total, scope, want[n])
			}
		}
	}
}

func TestFromPodName(t *testing.T) {
	for _, test := range []struct {
		pod          string
		total, want  int
		wantContains string
	}{
		{pod: "dbscaler-0", total: 3, want: 0},
		{pod: "dbscaler-2", total: 3, want: 2},
		{pod: "my-team-dbscaler-11", total: 12, want: 11},
		{pod: "dbscaler-3", total: 3, wantContains: `has the ordinal 3, and --total-shards is 3: there is no such shard. Set --total-shards`},
		{pod: "", total: 3, wantContains: "neither --shard nor the environment variable POD_NAME is set"},
		{pod: "dbscaler", total: 3, wantContains: "does not end with the ordinal of a StatefulSet"},
		{pod: "2", total: 3, wantContains: "does not end with the ordinal"},
		{pod: "dbscaler-6d4cf56db6-x7k2p", total: 3, wantContains: "does not end with the ordinal"},
		{pod: "dbscaler-6d4cf56db6-24567", total: MaxTotal, wantContains: "there is no such shard"},
		{pod: "dbscaler-", total: 3, wantContains: "does not end with the ordinal"},
		{pod: "dbscaler-01", total: 3, wantContains: "does not end with the ordinal"},
		{pod: "dbscaler-+1", total: 3, wantContains: "does not end with the ordinal"},
	} {
		t.Run(test.pod, func(t *testing.T) {
			got, err := FromPodName(test.pod, test.total)
			if test.wantContains != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantContains) {
					t.Errorf("got %v with error %v, want %q in it", got, err, test.wantContains)
				}
				return
			}
			if want := (Assignment{Index: test.want, Total: test.total}); err != nil || got != want {
				t.Errorf("got %v with error %v, want %v", got, err, want)
			}
		})
	}
}
