package view

import (
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// pauseFor pauses a policy by alice for a time, as the operator shows it.
func pauseFor(in *Input, d time.Duration) {
	until := in.Now.Add(d).UTC().Format(time.RFC3339)
	in.Object.Annotations = map[string]string{v1alpha1.AnnotationPausedUntil: until, v1alpha1.AnnotationPausedBy: "alice until " + until}
	setCondition(in.Object, v1alpha1.ConditionPaused, metav1.ConditionTrue, "PausedByAnnotation", "alice paused all changes; without the plugin: …")
}

// TestWriteTree_Paused: the first line says that a policy is paused, also during an operation, and nothing says it twice.
func TestWriteTree_Paused(t *testing.T) {
	in := load(t, "changing")
	pauseFor(&in, time.Hour)
	p := NewPolicy(in)
	tree := render(t, func(w io.Writer) error { return WriteTree(w, p, Options{Width: 1000}) })
	for _, want := range []string{
		"├─ Paused  All changes are paused until ", "Operation 2513fc69 takes no further step; 0 of 3 steps done. To resume: kubectl dbscaler resume orders -n shop\n",
		"├─ pause  All changes are paused, until ", "set by alice",
	} {
		if !strings.Contains(tree, want) {
			t.Errorf("the tree lacks %q:\n%s", want, tree)
		}
	}
	if strings.Contains(tree, "Paused True") || strings.Contains(tree, "without the plugin") {
		t.Errorf("the tree has the condition, which says the same:\n%s", tree)
	}
	if wide := render(t, func(w io.Writer) error { return WriteTree(w, p, Options{Width: 1000, Wide: true}) }); !strings.Contains(wide, "Paused True") {
		t.Errorf("the wide tree lacks the condition:\n%s", wide)
	}
	if got := NewFleet([]Policy{p}, SortByRisk)[0].Reason; got != "paused until "+formatTime(in.Now.Add(time.Hour), in.Now)+" by alice" {
		t.Errorf("the reason in the fleet is %q", got)
	}
}

// TestNewPlan_Paused: the rest of an operation is planned, and the first sentence says that it waits.
func TestNewPlan_Paused(t *testing.T) {
	in := load(t, "changing")
	pauseFor(&in, time.Hour)
	plan, _ := renderPlan(t, PlanInput{Input: in})
	if !strings.Contains(plan.Answer, "takes no further step") || len(plan.Changes) == 0 {
		t.Errorf("got %q with %d changes", plan.Answer, len(plan.Changes))
	}
}

// TestWriteTree_ShortageWithoutProblem: what AWS lacks or refused is shown while all conditions are as they should be.
func TestWriteTree_ShortageWithoutProblem(t *testing.T) {
	in := load(t, "steady")
	p := NewPolicy(in)
	p.Problems, p.Shortages = nil, []Shortage{{Class: "db.r6g.4xlarge", Until: in.Now.Add(time.Hour)}}
	if tree := render(t, func(w io.Writer) error { return WriteTree(w, p, Options{}) }); !strings.Contains(tree, "AWS lacks capacity db.r6g.4xlarge") {
		t.Errorf("the tree lacks the shortage:\n%s", tree)
	}
}

// TestDescribePlannedCost_NamesWhatHelps: after AWS was read, --metrics is no remedy for an unknown price.
func TestDescribePlannedCost_NamesWhatHelps(t *testing.T) {
	unpriced := PlannedCost{UnpricedClasses: []string{"db.r6g.large"}}
	if got := describePlannedCost(unpriced, true); !strings.Contains(got, "add --metrics") {
		t.Errorf("from the status: %q", got)
	}
	if got := describePlannedCost(unpriced, false); strings.Contains(got, "--metrics") || !strings.Contains(got, "spec.prices") {
		t.Errorf("from AWS: %q", got)
	}
}
