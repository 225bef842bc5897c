package controllers

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// TestSetupWithManager_ReconcilesWhenAccessChanges: with the manager's own caches and watches, a policy follows changes of its AWSAccount
// and of the labels of its namespace long before it is reconciled by interval, which here never happens: the clock stands still and
// runs slowly.
func TestSetupWithManager_ReconcilesWhenAccessChanges(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	manager, err := ctrl.NewManager(env.Config(), ctrl.Options{
		Scheme: env.Scheme(), Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{h.namespace: {}}},
		Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.reconciler.Client, h.reconciler.APIReader = manager.GetClient(), manager.GetAPIReader()
	h.reconciler.ClockSpeed = 0.01 // 100 minutes between two reconciles
	if err := h.reconciler.SetupWithManager(t.Context(), manager); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- manager.Start(ctx) }()
	defer func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	expect := func(after, want string) {
		t.Helper()
		got := ""
		err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, func(context.Context) (bool, error) {
			got = conditionSummary(h.getPolicy("p"), v1alpha1.ConditionAuthorized) //nolint:contextcheck // the harness has the test's context
			return got == want, nil
		})
		if err != nil {
			t.Fatalf("after %s, Authorized is %s, want %s", after, got, want)
		}
	}
	h.applyPolicy(strings.ReplaceAll(throughMember(verticalReadersPolicy), "MEMBER", h.accountName("member")))
	expect("the creation of the policy", "False "+v1alpha1.ReasonAccountNotFound)
	account := h.applyAccount("member", databaseRole, "")
	expect("the creation of the AWSAccount", "True "+v1alpha1.ReasonAuthorized)
	h.updateAccount(account, func(s *v1alpha1.AWSAccountSpec) {
		s.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"aws": h.namespace}}
	})
	expect("a change of the selector", "False "+v1alpha1.ReasonNamespaceNotAllowed)
	h.setNamespaceLabel(h.namespace, "aws", h.namespace)
	expect("a change of the namespace's labels", "True "+v1alpha1.ReasonAuthorized)
	if err := h.client.Delete(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	expect("the deletion of the AWSAccount", "False "+v1alpha1.ReasonAccountNotFound)
}
