package operator

import (
	"strings"
	"testing"
)

func TestOptions_Validate(t *testing.T) {
	for _, test := range []struct {
		name         string
		options      Options
		wantContains string
	}{
		{"defaults", Options{Concurrency: 4, ClockSpeed: 1}, ""},
		{"concurrency of 0", Options{Concurrency: 0, ClockSpeed: 1}, "concurrency must be from 1 to 64, not 0"},
		{"concurrency of 65", Options{Concurrency: 65, ClockSpeed: 1}, "concurrency must be from 1 to 64, not 65"},
		{"clock speed of 0", Options{Concurrency: 4}, "speed must be above 0"},
		{"one shard", Options{Concurrency: 4, ClockSpeed: 1, Shard: -1, TotalShards: 1}, ""},
		{"shard of three", Options{Concurrency: 4, ClockSpeed: 1, Shard: 2, TotalShards: 3}, ""},
		{"shard by the name of the pod", Options{Concurrency: 4, ClockSpeed: 1, Shard: -1, TotalShards: 3, PodName: "dbscaler-2"}, ""},
		{"shard beyond the total", Options{Concurrency: 4, ClockSpeed: 1, Shard: 3, TotalShards: 3},
			"--shard must be from 0 to 2, because --total-shards is 3, not 3"},
		{"shard without a total", Options{Concurrency: 4, ClockSpeed: 1, Shard: 1, TotalShards: 1}, "set --total-shards to the number of shards"},
		{"negative total", Options{Concurrency: 4, ClockSpeed: 1, TotalShards: -3}, "--total-shards must be from 1"},
		{"too many shards", Options{Concurrency: 4, ClockSpeed: 1, TotalShards: 1001}, "to 1000, not 1001"},
		{"pod of a Deployment", Options{Concurrency: 4, ClockSpeed: 1, Shard: -1, TotalShards: 3, PodName: "dbscaler-6d4cf56db6-x7k2p"},
			"does not end with the ordinal of a StatefulSet"},
		{"watched policies", Options{Concurrency: 4, ClockSpeed: 1, WatchNamespaces: []string{"a", "b"}, WatchLabelSelector: "team in (x,y),!z"}, ""},
		{"namespace with a space", Options{Concurrency: 4, ClockSpeed: 1, WatchNamespaces: []string{"a", " b"}},
			`--watch-namespaces: " b" is not the name of a namespace`},
		{"namespace listed twice", Options{Concurrency: 4, ClockSpeed: 1, WatchNamespaces: []string{"a", "a"}}, `"a" is listed twice`},
		{"notifications", Options{Concurrency: 4, ClockSpeed: 1, Notifications: Notifications{URL: "https://relay.example/secret", KeyFile: "key"}}, ""},
		{"notifications over HTTP", Options{Concurrency: 4, ClockSpeed: 1, Notifications: Notifications{URL: "http://relay.example/secret"}},
			"--notification-url starts with http://"},
		{"key without a URL", Options{Concurrency: 4, ClockSpeed: 1, Notifications: Notifications{KeyFile: "key", TopicARN: "x"}},
			"need --notification-url"},
		{"invalid selector", Options{Concurrency: 4, ClockSpeed: 1, WatchLabelSelector: "team payments"},
			`--watch-label-selector: "team payments" is not a label selector`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.options.Validate()
			if (err == nil) != (test.wantContains == "") || err != nil && !strings.Contains(err.Error(), test.wantContains) {
				t.Errorf("got error %v, want %q in it", err, test.wantContains)
			}
		})
	}
}

// TestOptions_LeaderElectionID: operators that take different policies must not wait for each other, and the processes of one shard must,
// also while the number of shards changes.
func TestOptions_LeaderElectionID(t *testing.T) {
	id := func(o Options) string {
		assigned, err := o.assignment()
		if err != nil {
			t.Fatal(err)
		}
		return o.leaderElectionID(assigned)
	}
	if got := id(Options{}); got != "dbscaler.scaling.dbscaler.io" {
		t.Errorf("without shards the lease is %q, another one than that of earlier versions", got)
	}
	if got := id(Options{Shard: 1, TotalShards: 3}); got != "dbscaler-shard-1.scaling.dbscaler.io" || got != id(Options{Shard: 1, TotalShards: 4}) {
		t.Errorf("the lease of shard 1 of 3 is %q, and of 4 %q", got, id(Options{Shard: 1, TotalShards: 4}))
	}
	different := map[string]Options{}
	for _, o := range []Options{
		{}, {Shard: 0, TotalShards: 2}, {Shard: 1, TotalShards: 2}, {WatchNamespaces: []string{"a"}}, {WatchNamespaces: []string{"a", "b"}},
		{WatchLabelSelector: "team=a"}, {WatchLabelSelector: "team!=a"}, {WatchNamespaces: []string{"a"}, WatchLabelSelector: "team=a"},
		{WatchLabelSelector: "team=a", Shard: 1, TotalShards: 2},
	} {
		if other, taken := different[id(o)]; taken {
			t.Errorf("%+v and %+v have the same lease %s", o, other, id(o))
		}
		different[id(o)] = o
	}
	if a, b := id(Options{WatchNamespaces: []string{"a", "b"}}), id(Options{WatchNamespaces: []string{"b", "a"}}); a != b {
		t.Errorf("the order of the namespaces changes the lease from %s to %s", a, b)
	}
	if a, b := id(Options{WatchLabelSelector: "x=1,y=2"}), id(Options{WatchLabelSelector: "y=2, x=1"}); a != b {
		t.Errorf("the order of the selector changes the lease from %s to %s", a, b)
	}
}
