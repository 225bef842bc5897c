package argocdtest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// stepTimeout is how long each expected change may take. An operation takes about half an hour of simulated time, a minute here.
const stepTimeout = 6 * time.Minute

// scenario is one Application with the operator.
type scenario struct {
	*environment
	app    string
	record *recorder
	aws    *rdssim.Server
}

// TestArgoCD syncs the samples with automated sync, self-heal and prune, on the client side and on the server side, with the real
// Argo CD.
func TestArgoCD(t *testing.T) {
	if *argocdBinary == "" {
		t.Skip("it needs the program of Argo CD: run `make argocd-test`")
	}
	e := newEnvironment(t)
	for _, test := range []struct {
		name, syncOption string
		notifications    bool
	}{
		{"client-side", "ServerSideApply=false", true},
		{"server-side", "ServerSideApply=true", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &scenario{environment: e, app: "policies-" + test.name}
			s.record = startRecorder(t, e, s.app)
			t.Cleanup(func() { t.Logf("%s:\n\n%s", test.name, s.record.markdown()) })
			s.syncAndOperate(t, test.syncOption)
			s.checkPauseAndOverride(t)
			s.checkSelfHeal(t)
			if test.notifications {
				s.checkApprovalNotification(t)
				s.checkRejectedPolicy(t)
				s.checkDegradedAndPruned(t)
			}
			s.deleteDuringOperation(t)
		})
	}
}

// syncAndOperate syncs the samples, starts the operator, and follows an operation: the Application becomes Healthy, and stays Synced and
// Healthy without another sync. Deletions are in the background, because the API server runs without the garbage collector, which ends
// deletions in the foreground. A retry takes the newest commit, because the retries of the rejected policy would take five minutes.
func (s *scenario) syncAndOperate(t *testing.T, syncOption string) {
	t.Helper()
	s.record.mark("creates the Application with %s", syncOption)
	s.applyText(t, fmt.Sprintf(`
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: %s
  namespace: %s
  finalizers: [resources-finalizer.argocd.argoproj.io/background]
  annotations:
    notifications.argoproj.io/subscribe.on-dbscaler-policy-degraded.test: ""
    notifications.argoproj.io/subscribe.on-dbscaler-policy-healthy.test: ""
    notifications.argoproj.io/subscribe.on-dbscaler-policy-rejected.test: ""
    notifications.argoproj.io/subscribe.on-dbscaler-approval-required.test: ""
spec:
  project: default
  source: {repoURL: %q, targetRevision: %s, path: %s}
  destination: {server: "https://kubernetes.default.svc", namespace: %s}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    retry: {limit: 5, refresh: true}
    syncOptions: [%s, PrunePropagationPolicy=background]
`, s.app, argocdNamespace, s.repository.url(), branch, policiesDir, policyNamespace, syncOption))
	s.waitForApp(t, "Synced", "Progressing")
	s.record.mark("starts the operator")
	s.aws, _ = s.startOperator(t)
	s.waitForApp(t, "Synced", "Healthy")

	s.waitForPolicy(t, recordedPolicy, "an operation", func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	s.waitForPolicy(t, recordedPolicy, "the larger readers", func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Operation == nil && p.Status.Readers != nil && p.Status.Readers.Shape == "1 × db.r6g.xlarge"
	})
	s.waitForResyncs(t)
	rows := s.record.since(0)
	healthy := slices.IndexFunc(rows, func(o observation) bool { return o.health == "Healthy" })
	for _, row := range rows[max(0, healthy):] {
		if row.sync != "Synced" || row.health != "Healthy" || row.syncs != 1 {
			t.Errorf("during the operation the Application was %s and %s, after %d syncs; want Synced and Healthy after one",
				row.sync, row.health, row.syncs)
		}
	}
	policies := s.repository.policies(t)
	if names := s.policyNames(t); !slices.Equal(names, policies) {
		t.Errorf("the cluster has the policies %v, want those of the repository, %v", names, policies)
	}
	app := s.getApp(t)
	for _, name := range policies {
		if status := resourceStatus(app, "DBScalingPolicy", name); status != "Synced" {
			t.Errorf("the policy %s is %q, want Synced", name, status)
		}
	}
	if status := resourceStatus(app, "AWSAccount", "production"); status != "Synced" {
		t.Errorf("the AWSAccount is %q, want Synced", status)
	}
}

// checkPauseAndOverride runs actions through Argo CD's API: their annotations take effect, and Argo CD does not revert them.
func (s *scenario) checkPauseAndOverride(t *testing.T) {
	t.Helper()
	first := len(s.record.since(0)) - 1
	for _, test := range []struct{ policy, begin, end, annotation, condition string }{
		{"ledger", "pause", "resume", v1alpha1.AnnotationPausedUntil, v1alpha1.ConditionPaused},
		{"payments", "override", "end-override", v1alpha1.AnnotationOverrideUntil, v1alpha1.ConditionOverridden},
	} {
		s.record.mark("runs the action %s of %s", test.begin, test.policy)
		s.runAction(t, s.app, test.policy, test.begin)
		s.waitForPolicy(t, test.policy, test.condition, func(p *v1alpha1.DBScalingPolicy) bool {
			return p.Annotations[test.annotation] != "" && meta.IsStatusConditionTrue(p.Status.Conditions, test.condition)
		})
		s.waitForResyncs(t)
		if p := s.getPolicy(t, test.policy); p.Annotations[test.annotation] == "" {
			t.Errorf("Argo CD has reverted the action %s of %s", test.begin, test.policy)
		}
		s.record.mark("runs the action %s of %s", test.end, test.policy)
		s.runAction(t, s.app, test.policy, test.end)
		s.waitForPolicy(t, test.policy, "the end of "+test.condition, func(p *v1alpha1.DBScalingPolicy) bool {
			return p.Annotations[test.annotation] == "" && !meta.IsStatusConditionTrue(p.Status.Conditions, test.condition)
		})
	}
	for _, row := range s.record.since(first) {
		if row.sync != "Synced" || row.health != "Healthy" || row.syncs != 1 {
			t.Errorf("with an annotation the Application was %s and %s, after %d syncs; want Synced and Healthy after one",
				row.sync, row.health, row.syncs)
		}
	}
}

// checkSelfHeal changes a spec: Argo CD changes it back. Without this check, a test that finds no reverts would prove little.
func (s *scenario) checkSelfHeal(t *testing.T) {
	t.Helper()
	s.record.mark("sets spec.mode of ledger to Recommend")
	s.kubectl(t, "patch", "dbsp", "ledger", "-n", policyNamespace, "--type", "merge", "-p", `{"spec":{"mode":"Recommend"}}`)
	s.waitForPolicy(t, "ledger", "mode Enforce again", func(p *v1alpha1.DBScalingPolicy) bool { return p.Spec.Mode == v1alpha1.ModeEnforce })
	s.waitForApp(t, "Synced", "Healthy")
}

// checkApprovalNotification waits for the notification that claims waits for an approval.
func (s *scenario) checkApprovalNotification(t *testing.T) {
	t.Helper()
	s.waitForNotification(t, "waits for an approval", policyNamespace+"/claims", "Blocked by ApprovalRequired")
}

// checkRejectedPolicy commits a policy that the API server rejects: the notification says why.
func (s *scenario) checkRejectedPolicy(t *testing.T) {
	t.Helper()
	s.record.mark("commits a policy that the API server rejects")
	s.repository.add(t, filepath.Join("testdata", "rejected.yaml"))
	s.commit(t, "Add a policy that scales nothing")
	s.waitForNotification(t, "The API server rejects", policyNamespace+"/rejected", "at least one of spec.readers")
	s.record.mark("removes it")
	s.repository.remove(t, "rejected.yaml")
	s.commit(t, "Remove the policy that scales nothing")
	s.waitForApp(t, "Synced", "Healthy")
}

// checkDegradedAndPruned commits a policy without a database, and removes it: the Application becomes Degraded, the notification says
// why, and Argo CD prunes the policy.
func (s *scenario) checkDegradedAndPruned(t *testing.T) {
	t.Helper()
	s.record.mark("commits a policy whose database does not exist")
	s.repository.add(t, filepath.Join("testdata", "missing.yaml"))
	s.commit(t, "Add a policy without a database")
	s.waitForApp(t, "Synced", "Degraded")
	s.waitForNotification(t, "is not in force", policyNamespace+"/missing", v1alpha1.ReasonNotFoundOrNotOptedIn)
	s.record.mark("removes it")
	s.repository.remove(t, "missing.yaml")
	s.commit(t, "Remove the policy without a database")
	s.waitForApp(t, "Synced", "Healthy")
	s.waitFor(t, "the policy missing is pruned", func() bool { return !slices.Contains(s.policyNames(t), "missing") })
	s.waitForNotification(t, "are in force")
}

// deleteDuringOperation approves the change of claims, and deletes the Application while the operation has a surge reader. The policy and
// the Application wait as long as the load needs the reader. Then the operator removes it, and they go.
func (s *scenario) deleteDuringOperation(t *testing.T) {
	t.Helper()
	s.waitForPolicy(t, "claims", "ApprovalRequired", func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Decision != nil && slices.Contains(p.Status.Decision.BlockedBy, "ApprovalRequired")
	})
	s.record.mark("runs the action approve of claims")
	s.runAction(t, s.app, "claims", "approve")
	s.waitForPolicy(t, "claims", "an operation with a surge reader", func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Operation != nil && len(p.Finalizers) > 0 && len(s.createdReaders()) > 0
	})
	s.record.mark("deletes the Application while claims has the surge reader %s", strings.Join(s.createdReaders(), ", "))
	s.kubectl(t, "delete", "application", s.app, "-n", argocdNamespace, "--wait=false")
	s.waitForPolicy(t, "claims", "an available surge reader that is still needed", func(p *v1alpha1.DBScalingPolicy) bool {
		isSurgeReader := func(i v1alpha1.InstanceStatus) bool { return i.CreatedBy != "" && i.Status == "available" }
		return p.Status.Operation == nil && p.Status.Decision != nil && p.Status.Decision.Reason == v1alpha1.ReasonPolicyDeleted &&
			strings.Contains(p.Status.Decision.Message, "cannot carry the load without it") &&
			p.Status.Readers != nil && slices.ContainsFunc(p.Status.Readers.Instances, isSurgeReader)
	})
	if readers := s.createdReaders(); len(readers) != 1 {
		t.Errorf("the load of claims needs its surge reader, and the operator's readers are %v", readers)
	}
	if s.getApp(t).GetDeletionTimestamp() == nil {
		t.Error("the Application is not being deleted")
	}
	s.record.mark("lowers the load of claims")
	low := model.Curve{Points: []model.CurvePoint{{VCPUs: 0.5}}}
	var err error
	s.aws.WithWorld(func(w *model.World) { err = w.SetLoad("eu-west-1", "claims", model.Load{Writer: low, Readers: low}) })
	if err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, "the Application is gone", func() bool {
		apps := &unstructured.UnstructuredList{}
		apps.SetGroupVersionKind(schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "ApplicationList"})
		if err := s.client.List(s.ctx, apps); err != nil {
			t.Fatal(err)
		}
		return len(apps.Items) == 0
	})
	if names := s.policyNames(t); len(names) > 0 {
		t.Errorf("the Application is gone, and these policies are not: %v", names)
	}
	var accounts v1alpha1.AWSAccountList
	if err := s.client.List(s.ctx, &accounts); err != nil || len(accounts.Items) > 0 {
		t.Errorf("the Application is gone, and %d AWSAccounts are not: %v", len(accounts.Items), err)
	}
	if readers := s.createdReaders(); len(readers) > 0 {
		t.Errorf("the policies are gone, and the surge readers %v are not", readers)
	}
}

// createdReaders are the instances of the operator in the simulated AWS that are not being deleted.
func (s *scenario) createdReaders() []string {
	var readers []string
	s.aws.WithWorld(func(w *model.World) {
		for instance := range w.ViewInstances("eu-west-1") {
			if instance.Tags["dbscaler.io/created-by"] != "" && instance.Status != "deleting" {
				readers = append(readers, instance.Identifier)
			}
		}
	})
	return readers
}

// commit commits the changes of the repository and tells Argo CD, as a webhook of the Git server does.
func (s *scenario) commit(t *testing.T, message string) {
	t.Helper()
	s.repository.commit(t, message)
	s.refresh(t)
}

// refresh lets Argo CD compare the Application now.
func (s *scenario) refresh(t *testing.T) {
	t.Helper()
	s.kubectl(t, "annotate", "--overwrite", "application", s.app, "-n", argocdNamespace, "argocd.argoproj.io/refresh=normal")
}

// waitForResyncs waits until Argo CD has compared the Application with Git three more times.
func (s *scenario) waitForResyncs(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	s.waitFor(t, "Argo CD compares three more times", func() bool {
		at, _, err := unstructured.NestedString(s.getApp(t).Object, "status", "reconciledAt")
		if err != nil {
			t.Fatal(err)
		}
		seen[at] = true
		return len(seen) > 3
	})
}

// waitForApp waits for a sync and health status.
func (s *scenario) waitForApp(t *testing.T, sync, health string) {
	t.Helper()
	s.waitFor(t, "the Application is "+sync+" and "+health, func() bool {
		app := s.getApp(t)
		return syncStatus(app) == sync && healthStatus(app) == health
	})
}

func (s *scenario) waitForPolicy(t *testing.T, name, what string, done func(*v1alpha1.DBScalingPolicy) bool) {
	t.Helper()
	s.waitFor(t, "the policy "+name+" has "+what, func() bool { return done(s.getPolicy(t, name)) })
}

// waitForNotification waits for a notification that has all parts, after the one that it has waited for last.
func (s *scenario) waitForNotification(t *testing.T, parts ...string) {
	t.Helper()
	var message string
	s.waitFor(t, fmt.Sprintf("Argo CD sends a notification with %q", parts), func() (found bool) {
		message, found = s.notifications.find(parts...)
		return found
	})
	t.Logf("notification:\n%s", message)
}

// waitFor waits for an expected change, and fails with what there is instead. It checks again after each event of the watches and each
// notification.
func (s *scenario) waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	timeout := time.NewTimer(stepTimeout)
	defer timeout.Stop()
	for {
		next := s.changes.awaitNext() // before the check, so that no change is missed
		if done() {
			return
		}
		select {
		case <-next:
			continue
		case <-timeout.C:
			t.Errorf("%s: not after %s", what, stepTimeout)
		case <-s.ctx.Done():
			t.Errorf("%s: not before the end of the test: %v", what, context.Cause(s.ctx))
		}
		break
	}
	t.Logf("notifications:\n%s", s.notifications.all())
	if s.ctx.Err() != nil {
		t.FailNow()
	}
	t.Fatalf("objects:\n%s", s.kubectl(t, "get", "applications.argoproj.io,dbsp", "-A", "-o", "yaml", "--show-managed-fields=false"))
}

func (s *scenario) getApp(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	app := &unstructured.Unstructured{}
	app.SetGroupVersionKind(schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"})
	if err := s.client.Get(s.ctx, types.NamespacedName{Namespace: argocdNamespace, Name: s.app}, app); err != nil {
		t.Fatal(err)
	}
	return app
}

func (s *scenario) getPolicy(t *testing.T, name string) *v1alpha1.DBScalingPolicy {
	t.Helper()
	var policy v1alpha1.DBScalingPolicy
	if err := s.client.Get(s.ctx, types.NamespacedName{Namespace: policyNamespace, Name: name}, &policy); err != nil {
		t.Fatal(err)
	}
	return &policy
}

func (s *scenario) policyNames(t *testing.T) []string {
	t.Helper()
	var policies v1alpha1.DBScalingPolicyList
	if err := s.client.List(s.ctx, &policies); err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range policies.Items {
		names = append(names, policies.Items[n].Name)
	}
	return names
}

// resourceStatus is the sync status of a resource in the status of the Application.
func resourceStatus(app *unstructured.Unstructured, kind, name string) string {
	resources, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	for _, r := range resources {
		if resource, ok := r.(map[string]any); ok && resource["kind"] == kind && resource["name"] == name {
			status, _ := resource["status"].(string)
			return status
		}
	}
	return ""
}
