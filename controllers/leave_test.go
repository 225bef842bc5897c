package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// remove deletes a policy as kubectl does.
func (l *lab) remove(name string) {
	l.t.Helper()
	if err := client.IgnoreNotFound(l.client.Delete(l.t.Context(), l.get(name))); err != nil {
		l.t.Fatal(err)
	}
}

// untilGone looks until the policy is gone, and gives what it was last.
func (l *lab) untilGone(name string, most time.Duration) *v1alpha1.DBScalingPolicy {
	l.t.Helper()
	last := &v1alpha1.DBScalingPolicy{}
	for end := l.clock.Now().Add(most); l.clock.Now().Before(end); {
		result, err := l.look(name)
		if err != nil {
			l.t.Fatal(err)
		}
		p := &v1alpha1.DBScalingPolicy{}
		err = l.client.Get(l.t.Context(), types.NamespacedName{Namespace: l.namespace, Name: name}, p)
		if apierrors.IsNotFound(err) {
			return last
		}
		if err != nil {
			l.t.Fatal(err)
		}
		last = p
		l.clock.Step(max(result.RequeueAfter, time.Second))
	}
	l.t.Fatalf("after %s the policy is still there; status:\n%s\nchanges:\n%s", most, dump(last), strings.Join(l.changes(), "\n"))
	return nil
}

func held(p *v1alpha1.DBScalingPolicy) bool { return slices.Contains(p.Finalizers, finalizer) }

// TestTheFinalizerIsThereOnlyWhileASurgeReaderMayBe.
func TestTheFinalizerIsThereOnlyWhileASurgeReaderMayBe(t *testing.T) {
	l := newLab(t, busyCluster())
	l.apply(readersVertical)
	l.run("p", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		if !idle(p) != held(p) && (!idle(p) || !succeeded(p)) { // one look later it is taken off
			t.Errorf("operation %v, finalizers %v", p.Status.Operation, p.Finalizers)
		}
		return succeeded(p)
	})
	l.run("p", 5*time.Minute, nil)
	if p := l.get("p"); held(p) || !succeeded(p) {
		t.Errorf("finalizers %v, history %v", p.Finalizers, p.Status.History)
	}
	l.remove("p")
	l.untilGone("p", time.Minute)
}

// TestAPolicyDeletedInTheMiddleTakesItsSurgeReaderAlong, at each step, and leaves everything else as it is.
func TestAPolicyDeletedInTheMiddleTakesItsSurgeReaderAlong(t *testing.T) {
	for step, want := range []string{"db.r6g.xlarge + db.r6g.large", "db.r6g.xlarge + db.r6g.xlarge", "db.r6g.xlarge + db.r6g.xlarge"} {
		t.Run([]string{"while it is created", "while the other is resized", "while it is removed"}[step], func(t *testing.T) {
			// The load falls, so that the reader that is left carries it.
			l := newLab(t, strings.Replace(busyCluster(), "readers: {points: [{at: 0h, vcpus: 1.7}]}",
				"readers: {points: [{at: 0h, vcpus: 1.7}, {at: 12m, vcpus: 1.7}, {at: 14m, vcpus: 0.4}]}", 1))
			l.apply(readersVertical)
			l.until("p", "under way", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				op := p.Status.Operation
				return op != nil && op.Steps[step].LastAttemptTime != nil
			})
			l.remove("p")
			l.restart()
			last := l.untilGone("p", 6*time.Hour)
			if got := l.shape("orders"); got != want {
				t.Errorf("the cluster is %s, want %s; it was last\n%s\nand AWS was asked for\n%s", got, want, dump(last), strings.Join(l.changes(), "\n"))
			}
		})
	}
}

// TestADatabaseThatIsGoneHoldsNoPolicy.
func TestADatabaseThatIsGoneHoldsNoPolicy(t *testing.T) {
	l := newLab(t, busyCluster())
	l.apply(readersVertical)
	l.until("p", "under way", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return !idle(p) })
	l.remove("p")
	l.endpoint = newLab(t, plain("db.m6g.large", 1, false)).endpoint // an account without the cluster
	l.restart()
	l.untilGone("p", 10*time.Minute)
}
