package argocdtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// recordedPolicy is the policy whose operation the record shows.
const recordedPolicy = "clinical-engine"

// observation is what is recorded at one time.
type observation struct {
	at time.Duration // since the start
	// sync and health are those of the Application; syncs is how many syncs have started, and syncStart when the last one has.
	sync, health string
	syncs        int
	syncStart    string
	// operation is the step of the recorded policy, or empty.
	operation string
	// mark is what the test does, or empty.
	mark string
}

// changes tells waiting tests about each change that is watched: an event of an Application or a policy, or a notification.
type changes struct {
	mu   sync.Mutex
	next chan struct{}
}

func newChanges() *changes { return &changes{next: make(chan struct{})} }

// report reports a change.
func (c *changes) report() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.next)
	c.next = make(chan struct{})
}

// awaitNext returns a channel that is closed at the next change.
func (c *changes) awaitNext() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

// recorder records an Application and a policy at each event of its watches.
type recorder struct {
	start time.Time

	mu      sync.Mutex
	current observation
	rows    []observation
}

// startRecorder watches the Applications and the policies until the test ends, and reports each event to e.changes.
func startRecorder(t *testing.T, e *environment, app string) *recorder {
	t.Helper()
	r := &recorder{start: clock.RealClock{}.Now()}
	c, err := client.NewWithWatch(e.env.Config(), client.Options{Scheme: e.env.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	var watches sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		watches.Wait()
	})
	applications := &unstructured.UnstructuredList{}
	applications.SetGroupVersionKind(schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "ApplicationList"})
	for _, list := range []struct {
		objects   client.ObjectList
		namespace string
		name      string
	}{{applications, argocdNamespace, app}, {&v1alpha1.DBScalingPolicyList{}, policyNamespace, recordedPolicy}} {
		events, err := c.Watch(ctx, list.objects, client.InNamespace(list.namespace))
		if err != nil {
			t.Fatal(err)
		}
		watches.Go(func() {
			defer events.Stop()
			for event := range events.ResultChan() {
				if object, ok := event.Object.(client.Object); ok && object.GetName() == list.name {
					r.observe(event.Type, object)
				}
				e.changes.report()
			}
			if ctx.Err() == nil {
				t.Errorf("the API server ended the watch of %T: the record is incomplete; run the test again", list.objects)
			}
		})
	}
	return r
}

// observe adds a row if the event changes what is recorded.
func (r *recorder) observe(event watch.EventType, object client.Object) {
	r.update(func(o *observation) {
		switch object := object.(type) {
		case *unstructured.Unstructured:
			if o.sync, o.health = syncStatus(object), healthStatus(object); event == watch.Deleted {
				o.sync, o.health = "gone", "gone"
			}
			if start := syncStart(object); start != o.syncStart {
				o.syncs, o.syncStart = o.syncs+1, start
			}
		case *v1alpha1.DBScalingPolicy:
			if o.operation = describeOperation(object); event == watch.Deleted {
				o.operation = "policy gone"
			}
		}
	})
}

// mark records what the test does.
func (r *recorder) mark(format string, args ...any) {
	r.update(func(o *observation) { o.mark = fmt.Sprintf(format, args...) })
}

func (r *recorder) update(edit func(*observation)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.current
	edit(&next)
	if next == r.current {
		return
	}
	next.at = clock.RealClock{}.Since(r.start)
	r.rows = append(r.rows, next)
	next.at, next.mark = 0, ""
	r.current = next
}

// since returns the rows from one on, and their number.
func (r *recorder) since(first int) []observation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]observation(nil), r.rows[first:]...)
}

// markdown is the record as a table.
func (r *recorder) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| time | sync | health | syncs | operation of %s | what the test does |\n", recordedPolicy)
	b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	for _, row := range r.since(0) {
		seconds := int(row.at.Seconds())
		fmt.Fprintf(&b, "| %d:%02d | %s | %s | %d | %s | %s |\n", seconds/60, seconds%60, row.sync, row.health, row.syncs,
			row.operation, row.mark)
	}
	return b.String()
}

func syncStatus(app *unstructured.Unstructured) string {
	text, _, _ := unstructured.NestedString(app.Object, "status", "sync", "status")
	return text
}

func healthStatus(app *unstructured.Unstructured) string {
	text, _, _ := unstructured.NestedString(app.Object, "status", "health", "status")
	return text
}

// syncStart is when the last sync started. The history of an Application does not have the syncs that self-heal makes.
func syncStart(app *unstructured.Unstructured) string {
	text, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "startedAt")
	return text
}

// describeOperation names the step of the operation in progress.
func describeOperation(policy *v1alpha1.DBScalingPolicy) string {
	operation := policy.Status.Operation
	if operation == nil {
		return ""
	}
	for n, step := range operation.Steps {
		if step.CompletionTime == nil {
			return fmt.Sprintf("step %d of %d: %s", n+1, len(operation.Steps), step.Action)
		}
	}
	return "last step done"
}
