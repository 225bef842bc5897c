package controllers

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/notify"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

const notificationKey = "a key that nobody can guess"

// receiver is an HTTP server that receives notifications and verifies their signatures.
type receiver struct {
	*httptest.Server
	keyFile string

	mu sync.Mutex
	// status is what it answers; 0 hangs until release is closed.
	status   int
	release  chan struct{}
	requests int
	accepted []notify.Event
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{keyFile: filepath.Join(t.TempDir(), "key"), status: http.StatusAccepted, release: make(chan struct{})}
	if err := os.WriteFile(r.keyFile, []byte(notificationKey), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return // the sender was stopped
		}
		mac := hmac.New(sha256.New, []byte(notificationKey))
		mac.Write(body)
		if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); request.Header.Get("X-Signature") != want {
			t.Errorf("the signature is %q, want %q", request.Header.Get("X-Signature"), want)
		}
		var e notify.Event
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		r.mu.Lock()
		r.requests++
		status, release := r.status, r.release
		if status == http.StatusAccepted {
			r.accepted = append(r.accepted, e)
		}
		r.mu.Unlock()
		if status == 0 {
			<-release
			status = http.StatusServiceUnavailable
		}
		rw.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
	close(r.release)
	r.release = make(chan struct{})
}

func (r *receiver) events() []notify.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.accepted)
}

// types lists the types of the accepted events, without their common parts.
func (r *receiver) types() []string {
	var out []string
	for _, e := range r.events() {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(e.Type, "io.dbscaler."), ".v1"))
	}
	return out
}

// sendTo gives the reconciler a sender to a receiver, as after a restart. It returns what stops the sender.
func (h *harness) sendTo(r *receiver) (stop func()) {
	h.t.Helper()
	sink, err := notify.NewHTTPSink(notify.HTTPOptions{URL: r.URL + "/hook", KeyFile: r.keyFile, UserAgent: "dbscaler/test"})
	if err != nil {
		h.t.Fatal(err)
	}
	sender, err := notify.NewSender([]notify.Sink{sink}, h.clock, prometheus.NewRegistry(), logr.Discard())
	if err != nil {
		h.t.Fatal(err)
	}
	h.reconciler.Notifications = sender
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := sender.Start(ctx); err != nil {
			h.t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	h.t.Cleanup(stop)
	return stop
}

// awaitDelivery waits until the sender has delivered everything that status has, and reconciles the policy once more.
func (h *harness) awaitDelivery(name string) {
	h.t.Helper()
	err := wait.PollUntilContextTimeout(h.t.Context(), 10*time.Millisecond, 2*time.Minute, true, func(context.Context) (bool, error) {
		if _, err := h.reconcile(name); err != nil { //nolint:contextcheck // the harness has the context of the test
			return false, err
		}
		status := h.getPolicy(name).Status.Notifications //nolint:contextcheck // as above
		return status == nil || len(status.Pending) == 0, nil
	})
	if err != nil {
		h.t.Fatalf("not everything is delivered: %v\n%s", err, statusYAML(h.getPolicy(name)))
	}
}

// TestNotifications_WholeOperation: an operation yields two signed events, whose ids start with the hash of its decision in the ledger.
func TestNotifications_WholeOperation(t *testing.T) {
	t.Parallel()
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"))
	r := newReceiver(t)
	h.clusterName = "prod"
	h.restartReconciler()
	h.sendTo(r)
	var entries bytes.Buffer
	h.reconciler.Ledger = &entries
	h.applyPolicy(verticalReadersPolicy + "  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: \"0.26\"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: \"0.52\"}]\n")
	p := h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	h.awaitDelivery("p")
	if got := r.types(); !slices.Equal(got, []string{"operation.started", "operation.succeeded"}) {
		t.Fatalf("received %v, status:\n%s", got, statusYAML(p))
	}
	hash := approvedHash(t, &entries)
	id := p.Status.History[0].ID
	for n, suffix := range []string{"started", "succeeded"} {
		e := r.events()[n]
		if want := hash + "-" + id + "-" + suffix; hash == "" || e.ID != want || e.Data.Hash != hash || p.Status.History[0].DecisionHash != hash {
			t.Errorf("the id is %s and the hash %s, want %s", e.ID, e.Data.Hash, want)
		}
		if e.Source != "/clusters/prod/namespaces/"+h.namespace+"/dbscalingpolicies/p" || e.Subject != p.Status.Target.ARN || e.Data.Operation != id ||
			e.Data.Direction != "Up" || e.Data.Pool != "Readers" || e.Data.From.String() != "1 × db.r6g.large" || e.Data.To.String() != "1 × db.r6g.xlarge" ||
			e.Data.HourlyCost == nil || e.Data.HourlyCost.ChangeUSD != "+0.26" {
			t.Errorf("got %+v", e)
		}
	}
	h.runFor("p", 2*time.Hour, nil)
	if n := len(r.events()); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	without := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"))
	without.applyPolicy(verticalReadersPolicy)
	without.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	without.runFor("p", 2*time.Hour, nil)
	if more := *h.statusWrites - *without.statusWrites; more < 0 || more > 2 {
		t.Errorf("two notifications cost %d writes of status, want at most one each", more)
	}
}

// approvedHash is the hash of the only approved decision in a ledger.
func approvedHash(t *testing.T, entries *bytes.Buffer) string {
	t.Helper()
	hash := ""
	for line := range bytes.Lines(entries.Bytes()) {
		var e ledger.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if _, _, approved := e.ApprovedProposal(); approved && hash == "" {
			hash = e.Evaluations[len(e.Evaluations)-1].Hash
		}
	}
	return hash
}

// TestNotifications_ApprovalCommandWorks: the command in the event approves the change when a person runs it as it is, and the one without
// the plugin sets the same annotation.
func TestNotifications_ApprovalCommandWorks(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	r := newReceiver(t)
	h.sendTo(r)
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "mode: Enforce", "mode: Approve", 1))
	h.runUntil("p", "waiting for an approval", time.Hour, isBlockedBy("ApprovalRequired"))
	h.runFor("p", time.Hour, nil)
	h.awaitDelivery("p")
	if got := r.types(); !slices.Equal(got, []string{"approval.wanted"}) {
		t.Fatalf("received %v, want one approval.wanted", got)
	}
	e := r.events()[0]
	words, withoutPlugin := strings.Fields(e.Data.Approval.Command), strings.Fields(e.Data.Approval.CommandWithoutPlugin)
	if !slices.Equal(words[:2], []string{"kubectl", "dbscaler"}) || withoutPlugin[0] != "kubectl" || !strings.HasPrefix(e.ID, h.getPolicy("p").Status.Decision.Hash+"-") || e.Data.From.String() != "1 × db.r6g.large" ||
		!strings.Contains(e.Data.Text, e.Data.Approval.Command) {
		t.Errorf("got %+v", e)
	}
	dryRun := append(withoutPlugin[1:], "--dry-run=server", "-o", `jsonpath={.metadata.annotations.scaling\.dbscaler\.io/approve}`)
	if approved := env.RunKubectl(t, dryRun...); approved != e.Data.Hash {
		t.Errorf("%s approves %q, want %s", e.Data.Approval.CommandWithoutPlugin, approved, e.Data.Hash)
	}
	h.plugin(words[2:]...)
	h.awaitCache("p")
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	h.awaitDelivery("p")
	if got := r.types(); !slices.Equal(got, []string{"approval.wanted", "operation.started", "operation.succeeded"}) {
		t.Errorf("received %v", got)
	}
	if started := r.events()[1]; started.Data.Hash != e.Data.Hash {
		t.Errorf("the operation has the hash %s, and the approval was for %s", started.Data.Hash, e.Data.Hash)
	}
}

// TestNotifications_RestartLosesAndRepeatsNothing: what was not delivered when the process died is sent by the next one, with the same id,
// and what was delivered is not sent again.
func TestNotifications_RestartLosesAndRepeatsNothing(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"))
	r := newReceiver(t)
	h.applyPolicy(verticalReadersPolicy)
	r.answer(http.StatusServiceUnavailable)
	stop := h.sendTo(r)
	p := h.runUntil("p", "operating", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Notifications != nil && len(p.Status.Notifications.Pending) == 1
	})
	id := p.Status.Notifications.Pending[0].ID
	stop() // the process dies
	h.restartReconciler()
	r.answer(http.StatusAccepted)
	stop = h.sendTo(r)
	h.awaitDelivery("p")
	if got := r.events(); len(got) != 1 || got[0].ID != id {
		t.Fatalf("after the restart %v was received, want %s", got, id)
	}
	stop()
	h.restartReconciler()
	h.sendTo(r)
	h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	h.awaitDelivery("p")
	if got := r.types(); !slices.Equal(got, []string{"operation.started", "operation.succeeded"}) {
		t.Errorf("received %v", got)
	}
}

// TestNotifications_HangingReceiverDelaysNothing: with a receiver that never answers, the operation takes as long and makes the same calls as
// without one.
func TestNotifications_HangingReceiverDelaysNothing(t *testing.T) {
	durations, changes := map[bool]time.Duration{}, map[bool]int{}
	for _, hanging := range []bool{false, true} {
		h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"))
		r := newReceiver(t)
		r.answer(0)
		if hanging {
			h.sendTo(r)
		}
		h.applyPolicy(verticalReadersPolicy)
		started := h.clock.Now()
		p := h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
		durations[hanging], changes[hanging] = h.clock.Since(started), len(h.awsChanges())
		r.answer(http.StatusServiceUnavailable) // so that the sender can stop
		if pending := p.Status.Notifications; hanging != (pending != nil && len(pending.Pending) == 2) {
			t.Errorf("hanging %t: status has %+v", hanging, pending)
		}
	}
	if durations[true] != durations[false] || changes[true] != changes[false] {
		t.Errorf("the operation took %s with %d calls, and %s with %d while the receiver hangs", durations[false], changes[false], durations[true], changes[true])
	}
}

// TestNotifications_BlockedAndOverloadOnce: a change that waits for its window for hours, of an overloaded database, is reported once, also
// when the operator restarts meanwhile. Without a receiver status has nothing about notifications.
func TestNotifications_BlockedAndOverloadOnce(t *testing.T) {
	h := newHarness(t, rdsInstance("db.m6g.large", 2.2, true))
	r := newReceiver(t)
	stop := h.sendTo(r)
	h.applyPolicy(rdsInstancePolicy + "  disruptionWindows: [{schedule: '0 20 * * *', durationSeconds: 3600}]\n  guardrails: {emergencyDisruption: Forbid}\n")
	h.runFor("p", 2*time.Hour, nil)
	h.awaitDelivery("p")
	stop()
	h.restartReconciler()
	h.sendTo(r)
	h.runFor("p", 2*time.Hour, nil)
	h.awaitDelivery("p")
	got := r.types()
	slices.Sort(got)
	if !slices.Equal(got, []string{"change.blocked", "overload.seen"}) {
		t.Fatalf("received %v, status:\n%s", got, statusYAML(h.getPolicy("p")))
	}
	for _, e := range r.events() {
		switch e.Type {
		case "io.dbscaler.change.blocked.v1":
			if e.Data.Reason != "DisruptionWindow" || e.Data.To == nil || e.Data.From == nil || e.Data.Hash == "" || !strings.Contains(e.Data.Message, "opens at") {
				t.Errorf("got %+v", e)
			}
		case "io.dbscaler.overload.seen.v1":
			if e.Data.Pool != "Writer" || e.Data.UtilizationPercent == nil || *e.Data.UtilizationPercent < 95 {
				t.Errorf("got %+v", e)
			}
		}
	}
	h.restartReconciler()
	if _, err := h.reconcile("p"); err != nil || h.getPolicy("p").Status.Notifications != nil {
		t.Errorf("without a receiver status has %+v (error %v)", h.getPolicy("p").Status.Notifications, err)
	}
}
