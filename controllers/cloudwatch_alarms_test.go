package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/alarms"
	"github.com/dbscaler/dbscaler/internal/alarms/alarmtest"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/manifest"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// fireTimes evaluates the CloudWatch alarms of a policy each minute since the start, with the samples that the simulated CloudWatch has
// published by then, and returns when each alarm fires for the first time (15:04), by role and kind.
func fireTimes(h *harness, set alarms.Set, start time.Time) map[string]string {
	h.t.Helper()
	fired := map[string]string{}
	h.aws.WithWorld(func(w *model.World) {
		cached := map[string][]model.Point{}
		samples := func(m alarms.Metric, from, to, now time.Time) []alarmtest.Sample {
			dimensions, key := map[string]string{}, m.Name
			for _, d := range m.Dimensions {
				dimensions[d.Name] = d.Value
				key += "/" + d.Value
			}
			if cached[key] == nil {
				cached[key] = w.MetricSamples(set.Region, dimensions, m.Name, start.Add(-4*time.Hour), h.clock.Now())
			}
			points := cached[key]
			first, _ := slices.BinarySearchFunc(points, from, func(p model.Point, t time.Time) int { return p.Time.Compare(t) })
			var out []alarmtest.Sample
			for _, p := range points[first:] {
				if !p.Time.Before(to) || w.PublishTime(p.Time).After(now) {
					break
				}
				out = append(out, alarmtest.Sample{Start: p.Time, Value: p.Value})
			}
			return out
		}
		for n := range set.Alarms {
			a := &set.Alarms[n]
			for now := start.Add(30 * time.Minute); !now.After(h.clock.Now()); now = now.Add(time.Minute) {
				state, err := alarmtest.Evaluate(a, samples, now)
				if err != nil {
					h.t.Fatal(err)
				}
				if state == alarmtest.InAlarm {
					fired[a.Role+" "+string(a.Kind)] = now.UTC().Format("15:04")
					break
				}
			}
			if cached[a.Metrics[0].Name+"/"+a.Metrics[0].Dimensions[0].Value+"/"+a.Metrics[0].Dimensions[1].Value] == nil {
				h.t.Errorf("%s has no samples, so that its silence shows nothing", a.Name)
			}
		}
	})
	return fired
}

// deriveAlarms derives the alarms of a manifest.
func deriveAlarms(t *testing.T, text string) alarms.Set {
	t.Helper()
	u := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	u.SetNamespace("platform")
	reader, err := manifest.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	object, err := reader.ReadPolicy(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := convert.Policy(object)
	if err != nil {
		t.Fatal(err)
	}
	set, err := alarms.Derive(policy, alarms.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestCloudWatchAlarms_PostMortemDay evaluates the alarms of the sample policy on 5 February 2024. Without the operator, the alarm load-high
// of the readers fires at about 09:00, 50 minutes before the reader saturates, and not-scaled at about 10:16. With the operator,
// and on a calm day, none fires.
func TestCloudWatchAlarms_PostMortemDay(t *testing.T) {
	t.Parallel()
	day, sample := readPostMortem(t)
	set := deriveAlarms(t, sample)
	// The same load without the upgrade that makes queries dearer, on a reader of twice the size.
	calm := strings.Replace(strings.Replace(day, "  - {at: 16m, engineVersion: \"16.1\", costFactor: 2.1}\n", "", 1),
		"  upgrades:\n", "", 1)
	calm = strings.Replace(calm, "identifier: clinical-engine-2, class: db.r6g.large", "identifier: clinical-engine-2, class: db.r6g.xlarge", 1)
	if calm == day || strings.Contains(calm, "upgrades") {
		t.Fatal("the scenario has changed, so that no calm day can be made of it")
	}
	for _, test := range []struct {
		name, scenario string
		withOperator   bool
		// within has the earliest and the latest time for each alarm that fires.
		within map[string][2]string
	}{
		{"without the operator", day, false, map[string][2]string{
			"readers load-high":  {"08:55", "09:05"},
			"readers saturated":  {"09:45", "09:57"},
			"readers not-scaled": {"10:10", "10:22"}, // 10:45 is when an engineer scaled by hand
		}},
		{"with the operator", day, true, nil},
		{"on a calm day", calm, false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t, test.scenario)
			start := h.clock.Now()
			if test.withOperator {
				h.applyPolicy(sample)
				h.runFor("clinical-engine", 9*time.Hour, nil)
				if len(h.readPolicy(h.client, "clinical-engine").Status.History) == 0 {
					t.Error("the operator did nothing, so that the silence of the alarms shows nothing")
				}
			} else {
				h.clock.Step(9 * time.Hour)
			}
			fired := fireTimes(h, set, start)
			t.Logf("fired: %v", fired)
			for alarm, at := range fired {
				if within, found := test.within[alarm]; !found || at < within[0] || at > within[1] {
					t.Errorf("%s fires at %s, want %v", alarm, at, within)
				}
			}
			for alarm := range test.within {
				if fired[alarm] == "" {
					t.Errorf("%s does not fire", alarm)
				}
			}
		})
	}
}
