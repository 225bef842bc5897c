package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/view"
)

// redrawInterval is how often the ages on a terminal are drawn again, and relistInterval how long after the end of a watch the policies are
// listed again.
const redrawInterval, relistInterval = time.Second, time.Second

// policyWatch shows policies until they are settled.
type policyWatch struct {
	*statusCommand
	reader   *policyReader
	selected selection
	screen   screen
	// objects are the policies as the API server last showed them, and shown their views as they were last shown.
	objects map[types.NamespacedName]v1alpha1.DBScalingPolicy
	shown   map[types.NamespacedName]view.Policy
	// startedAt is when the watch began, and ended the operations that have ended since.
	startedAt time.Time
	ended     map[types.NamespacedName]view.Record
}

// errTimedOut: --timeout passed.
var errTimedOut = errors.New("timed out")

func (s *statusCommand) runWatch(ctx context.Context, reader *policyReader, selected selection) error {
	w := &policyWatch{
		statusCommand: s, reader: reader, selected: selected, screen: screen{terminal: newTerminal(s.streams.Out)},
		shown: map[types.NamespacedName]view.Policy{}, ended: map[types.NamespacedName]view.Record{}, startedAt: s.clock.Now(),
	}
	var timeout <-chan time.Time
	if s.timeout > 0 {
		timer := s.clock.NewTimer(s.timeout)
		defer timer.Stop()
		timeout = timer.C()
	}
	for {
		settled, err := w.followOnce(ctx, timeout)
		switch {
		case errors.Is(err, errTimedOut):
			return w.timedOut(ctx)
		case ctx.Err() != nil:
			return errors.New("interrupted")
		case err != nil:
			return err
		case settled:
			return w.result()
		}
		select {
		case <-ctx.Done():
		case <-s.clock.After(relistInterval):
		}
	}
}

// followOnce lists the policies and follows their changes until the API server ends the watch, or all are settled.
func (w *policyWatch) followOnce(ctx context.Context, timeout <-chan time.Time) (settled bool, err error) {
	listed, version, err := w.reader.list(ctx, w.selected)
	if err != nil {
		return false, err
	}
	w.objects = map[types.NamespacedName]v1alpha1.DBScalingPolicy{}
	for _, p := range listed {
		w.objects[client.ObjectKeyFromObject(&p)] = p
	}
	if settled, err = w.show(ctx, false); settled || err != nil {
		return settled, err
	}
	options, err := w.reader.listOptions(w.selected)
	if err != nil {
		return false, err
	}
	options = append(options, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version}})
	changes, err := w.reader.client.Watch(ctx, &v1alpha1.DBScalingPolicyList{}, options...)
	if err != nil {
		return false, w.reader.describeError(ctx, err, "watch", w.selected)
	}
	defer changes.Stop()
	for {
		var redraw <-chan time.Time
		if w.screen.isTerminal {
			redraw = w.clock.After(redrawInterval)
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-timeout:
			return false, errTimedOut
		case event, open := <-changes.ResultChan():
			if !open || event.Type == watch.Error {
				return false, nil // the API server ends a watch after some minutes
			}
			w.apply(event)
		case <-redraw:
		}
		if settled, err := w.show(ctx, false); settled || err != nil {
			return settled, err
		}
	}
}

// apply applies a change to the policies.
func (w *policyWatch) apply(event watch.Event) {
	p, isPolicy := event.Object.(*v1alpha1.DBScalingPolicy)
	if !isPolicy {
		return
	}
	if event.Type == watch.Deleted {
		delete(w.objects, client.ObjectKeyFromObject(p))
		return
	}
	w.objects[client.ObjectKeyFromObject(p)] = *p
}

// show prints the policies, or what has changed, and reports whether all are settled.
func (w *policyWatch) show(ctx context.Context, isLast bool) (settled bool, err error) {
	if len(w.objects) == 0 {
		return false, w.reader.describeMissing(ctx, w.selected)
	}
	var objects []v1alpha1.DBScalingPolicy
	for _, key := range slices.SortedFunc(maps.Keys(w.objects), compareNames) {
		objects = append(objects, w.objects[key])
	}
	// Events are shown on a terminal only: otherwise each change has its own line.
	policies := w.reader.views(ctx, objects, w.selected.name != "" && w.screen.isTerminal)
	settled = true
	for n := range policies {
		settled = settled && policies[n].IsSettled()
		w.remember(&policies[n])
	}
	if w.screen.isTerminal {
		var text bytes.Buffer
		if err := w.write(&text, policies, w.selected.name != "", w.textOptions(w.screen.terminal)); err != nil {
			return false, err
		}
		return settled, w.screen.draw(text.String(), settled || isLast)
	}
	for n := range policies {
		key := types.NamespacedName{Namespace: policies[n].Namespace, Name: policies[n].Name}
		var before *view.Policy
		if shown, found := w.shown[key]; found {
			before = &shown
		}
		for _, line := range view.Changes(before, &policies[n]) {
			fmt.Fprintln(w.streams.Out, line)
		}
		w.shown[key] = policies[n]
	}
	return settled, nil
}

// remember notes the newest operation that ended since the watch began.
func (w *policyWatch) remember(p *view.Policy) {
	if len(p.History) > 0 && p.History[0].CompletionTime.After(w.startedAt.Truncate(time.Second)) {
		w.ended[types.NamespacedName{Namespace: p.Namespace, Name: p.Name}] = p.History[0]
	}
}

func compareNames(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }

// result is the error of a watch that has ended: nil when all operations succeeded and nothing is stalled.
func (w *policyWatch) result() error {
	var policies []view.Policy
	for _, p := range w.objects {
		policies = append(policies, view.NewPolicy(view.Input{Object: &p, Now: w.clock.Now()}))
	}
	if err := stalledError(policies); err != nil {
		return err
	}
	for key, record := range w.ended {
		if record.Outcome == string(v1alpha1.OutcomeFailed) {
			text := fmt.Sprintf("operation %s of %s failed (%s): %s", record.ID, key, record.Reason, record.Message)
			return &StalledError{strings.Join(strings.Fields(text), " ")}
		}
	}
	return nil
}

// timedOut draws the last state and says what has not ended.
func (w *policyWatch) timedOut(ctx context.Context) error {
	if _, err := w.show(ctx, true); err != nil {
		return err
	}
	return &StalledError{fmt.Sprintf("--timeout %s passed, and something is still in progress: wait longer, or see kubectl dbscaler explain",
		w.timeout)}
}
