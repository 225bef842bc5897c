package main

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

func TestParseSettings(t *testing.T) {
	for _, test := range []struct {
		args, want string
	}{
		{"", ""},
		{"--policies 500 --scopes 10 --slow 3 --denied 3 --aged 24h --for 5m --change 1", ""},
		{"--policies 0", "--policies must be"},
		{"--scopes 4 --slow 2 --denied 2", "leave one scope"},
		{"--slow 1", "leave one scope"},
		{"--policies 5 --scopes 6", "--scopes must be"},
		{"--aged 1m", "--aged must be"},
		{"--change 101", "--change must be"},
		{"--speed 0", "--speed must be"},
		{"--concurrency 65", "--concurrency must be"},
		{"--shards 2 --shard 2", "from 0 to --shards less one"},
		{"--for 0s", "--for and --limit"},
		{"more", "unexpected"},
		{"--unknown", "unknown"},
	} {
		_, err := parseSettings(strings.Fields(test.args))
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || !errors.Is(err, errUsage)) {
			t.Errorf("%s: got error %v, want %q in it", test.args, err, test.want)
		}
	}
	if _, err := parseSettings([]string{"--help"}); !errors.Is(err, flag.ErrHelp) || errors.Is(err, errUsage) {
		t.Errorf("--help: got error %v", err)
	}
}

// testFleet has a slow and a denied scope of four.
var testFleet = fleet{policies: 40, scopes: 4, slow: 1, denied: 1, age: 24 * time.Hour}

func TestFleet_Scenario(t *testing.T) {
	start := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	world, err := model.New(testFleet.scenario(start))
	if err != nil {
		t.Fatal(err)
	}
	accounts, insights := map[string]int{}, 0
	for _, i := range world.Instances(region) {
		accounts[i.AccountID]++
		if i.PerformanceInsights {
			insights++
		}
	}
	if len(accounts) != 4 || accounts["100000000003"] != 20 || insights != 40 {
		t.Errorf("the accounts have instances %v, and %d have Performance Insights, want 20 each and 40", accounts, insights)
	}
	if err := world.SetLoad(region, testFleet.clusterName(7), raisedLoad()); err != nil {
		t.Error(err)
	}
}

func TestFleet_PickChanged(t *testing.T) {
	picked := testFleet.pickChanged(10)
	if len(picked) != 4 {
		t.Fatalf("%d clusters change, want 4 of 40", len(picked))
	}
	seen := map[int]bool{}
	for _, n := range picked {
		if !testFleet.isHealthy(n) || seen[n] {
			t.Errorf("policy %d changes, and is not healthy or changes twice", n)
		}
		seen[n] = true
	}
	if n := len(testFleet.pickChanged(100)); n != 20 {
		t.Errorf("%d clusters change, want all 20 healthy ones", n)
	}
	if n := len(testFleet.pickChanged(0)); n != 0 {
		t.Errorf("%d clusters change, want none", n)
	}
	if n := testFleet.countHealthy(8); n != 4 {
		t.Errorf("%d of 8 policies are healthy, want 4", n)
	}
}

func TestFleet_Policy(t *testing.T) {
	if name := testFleet.policy(5).Spec.TargetRef.AccountRef.Name; name != testFleet.account(1).Name {
		t.Errorf("policy 5 uses the account %q, want that of scope 1", name)
	}
	one := fleet{policies: 2, scopes: 1}
	if name := one.policy(1).Spec.TargetRef.AccountRef.Name; name != "" {
		t.Errorf("with one scope a policy uses the account %q, want none", name)
	}
}

func TestReplaceSection(t *testing.T) {
	page := "# Scale\n\n" + endMarker + "\nend\n"
	page, err := replaceSection(page, "500 policies, 1 AWS account", "### 500 policies, 1 AWS account\n\nold\n")
	if err != nil {
		t.Fatal(err)
	}
	page, err = replaceSection(page, "1000 policies, 1 AWS account", "### 1000 policies, 1 AWS account\n\nother\n")
	if err != nil {
		t.Fatal(err)
	}
	page, err = replaceSection(page, "500 policies, 1 AWS account", "### 500 policies, 1 AWS account\n\nnew\n")
	want := "# Scale\n\n### 500 policies, 1 AWS account\n\nnew\n\n### 1000 policies, 1 AWS account\n\nother\n\n" + endMarker + "\nend\n"
	if err != nil || page != want {
		t.Errorf("got error %v and\n%s\nwant\n%s", err, page, want)
	}
	if _, err := replaceSection("# Scale\n", "a", "b"); err == nil {
		t.Error("a page without the end of the figures has no error")
	}
}

func TestResults_Markdown(t *testing.T) {
	r := &results{settings: settings{fleet: fleet{policies: 500, scopes: 20, slow: 3, denied: 2}, speed: 1, concurrency: defaultConcurrency}}
	r.steady = steadyFigures{minutes: 2, reconciles: 1000, mallocs: 3e6, allocated: 200 << 20, metrics: 4000, awsCalls: map[string]float64{"GetMetricData": 8}}
	r.reactions, r.recovered = []time.Duration{20 * time.Second, 40 * time.Second}, 18200*time.Millisecond
	text := r.markdown()
	for _, want := range []string{
		"### 500 policies, 20 AWS accounts (3 do not answer, 2 deny access)\n", "| reconciles | 8.3 a second |", "| AWS: GetMetricData | 4.0 a minute |",
		"2000 a minute, which costs 876 USD a month", "| 20.0 s, 40.0 s |", "| leader killed: every policy evaluated again after | 18.2 s |",
		"| objects allocated for a reconcile | 3000, of 205 KiB |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table has no %q:\n%s", want, text)
		}
	}
}

func TestResults_IsNoticed(t *testing.T) {
	at := func(seconds float64) histogram {
		return histogram{count: 1, bounds: []float64{seconds}, counts: []float64{1}}
	}
	for _, test := range []struct {
		slow   int
		p99    float64
		wanted bool
	}{{0, 500, false}, {1, 62, false}, {1, 500, true}} {
		r := &results{settings: settings{fleet: fleet{slow: test.slow}}, steady: steadyFigures{interval: at(test.p99)}}
		if got := r.isNoticed(); got != test.wanted {
			t.Errorf("with %d slow accounts and %g s between evaluations: noticed is %t", test.slow, test.p99, got)
		}
	}
	if r := (&results{settings: settings{fleet: fleet{slow: 1}}}); !r.isNoticed() {
		t.Error("without evaluations nothing is noticed")
	}
}

// okFigures are within all bounds.
func okFigures(policies int) checkFigures {
	n := float64(policies)
	return checkFigures{policies, steadyFigures{
		minutes: 2, reconciles: 2 * n, mallocs: 6000 * n, allocated: 2 * 64 << 10 * n, metrics: 8 * n,
		awsCalls:  map[string]float64{"DescribeDBClusters": 2 * n / 100, "DescribeDBInstances": 4 * n / 100, "GetMetricData": 8 * n / 500},
		apiWrites: map[string]float64{"leases": 60}, apiLists: map[string]float64{"namespaces": 2},
	}}
}

func TestCheckBounds(t *testing.T) {
	if exceeded := checkBounds(okFigures(250), okFigures(500)); len(exceeded) > 0 {
		t.Fatalf("exceeded: %v", exceeded)
	}
	for _, test := range []struct {
		name, want string
		change     func(half, full *checkFigures)
	}{
		{"allocations grow", "growth of the objects", func(_, full *checkFigures) { full.mallocs *= 1.5 }},
		{"allocations", "with 250 policies, objects allocated", func(half, full *checkFigures) { half.mallocs *= 4; full.mallocs *= 4 }},
		{"bytes", "with 250 policies, KiB allocated", func(half, _ *checkFigures) { half.allocated *= 10 }},
		{"one list of policies", "lists of policies", func(_, full *checkFigures) { full.apiLists[policyResource] = 1 }},
		{"lists", "with 500 policies, lists a minute", func(_, full *checkFigures) { full.apiLists["pods"] = 50 }},
		{"status writes", "status writes", func(_, full *checkFigures) { full.apiWrites[policyResource+"/status"] = 500 }},
		{"reads of clusters", "DescribeDBClusters", func(_, full *checkFigures) { full.awsCalls["DescribeDBClusters"] *= 2 }},
		{"a call for each policy", "DescribeEvents", func(_, full *checkFigures) { full.awsCalls["DescribeEvents"] = 500 }},
		{"small batches", "GetMetricData", func(_, full *checkFigures) { full.awsCalls["GetMetricData"] = 500 }},
		{"metrics", "metrics a minute", func(_, full *checkFigures) { full.metrics *= 5 }},
		{"no reconciles", "reconciles a minute", func(_, full *checkFigures) { full.reconciles = 10 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			half, full := okFigures(250), okFigures(500)
			test.change(&half, &full)
			if exceeded := strings.Join(checkBounds(half, full), "\n"); !strings.Contains(exceeded, test.want) {
				t.Errorf("exceeded: %q, want %q in it", exceeded, test.want)
			}
		})
	}
}
