package controllers

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// memberRole is the role of an AWSAccount in the tests. It is in the account of the simulated databases only if accountID is its own.
const (
	memberRole   = "arn:aws:iam::210987654321:role/dbscaler-member"
	databaseRole = "arn:aws:iam::123456789012:role/dbscaler-member"
)

// accountName is the name of an AWSAccount of this test. AWSAccounts have no namespace, and the tests share an API server.
func (h *harness) accountName(name string) string { return h.namespace + "-" + name }

// throughMember makes a policy use the AWSAccount "member".
func throughMember(policy string) string {
	return strings.Replace(policy, "region: eu-west-1", "region: eu-west-1, accountRef: {name: MEMBER}", 1)
}

// applyAccount creates an AWSAccount that selects the test's namespace; regions are separated by spaces, and empty allows all.
func (h *harness) applyAccount(name, role, regions string) *v1alpha1.AWSAccount {
	h.t.Helper()
	account := &v1alpha1.AWSAccount{
		ObjectMeta: metav1.ObjectMeta{Name: h.accountName(name)},
		Spec: v1alpha1.AWSAccountSpec{
			RoleARN: role, NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": h.namespace}},
		},
	}
	for _, r := range strings.Fields(regions) {
		account.Spec.Regions = append(account.Spec.Regions, v1alpha1.Region(r))
	}
	if err := h.client.Create(h.t.Context(), account); err != nil {
		h.t.Fatal(err)
	}
	return account
}

// seeNamespaces lets the reconciler see the policies of these namespaces, as the manager sees those of all namespaces.
func (h *harness) seeNamespaces(namespaces ...string) {
	h.t.Helper()
	h.client.namespaces, h.apiReader.namespaces = namespaces, namespaces
	h.restartReconciler()
}

// updateAccount changes an AWSAccount on the API server.
func (h *harness) updateAccount(account *v1alpha1.AWSAccount, change func(*v1alpha1.AWSAccountSpec)) {
	h.t.Helper()
	change(&account.Spec)
	if err := h.client.Update(h.t.Context(), account); err != nil {
		h.t.Fatal(err)
	}
}

// setNamespaceLabel sets or removes a label of a namespace.
func (h *harness) setNamespaceLabel(namespace, key, value string) {
	h.t.Helper()
	o := newNamespaceMetadata()
	if err := h.client.Get(h.t.Context(), client.ObjectKey{Name: namespace}, o); err != nil {
		h.t.Fatal(err)
	}
	base := o.DeepCopy()
	if o.Labels == nil {
		o.Labels = map[string]string{}
	}
	o.Labels[key] = value
	if value == "" {
		delete(o.Labels, key)
	}
	if err := h.client.Patch(h.t.Context(), o, client.MergeFrom(base)); err != nil {
		h.t.Fatal(err)
	}
}

// requireAuthorized fails unless the condition Authorized of a policy has this status and reason.
func (h *harness) requireAuthorized(name, want string) *v1alpha1.DBScalingPolicy {
	h.t.Helper()
	p := h.getPolicy(name)
	if got := conditionSummary(p, v1alpha1.ConditionAuthorized); got != want {
		h.t.Fatalf("Authorized is %s, want %s; status:\n%s", got, want, statusYAML(p))
	}
	return p
}

// TestReconcile_RefusesAccount: a policy that may not use the AWSAccount that it names is told so, and causes no AWS request. Its status
// names neither the role nor the allowed regions.
func TestReconcile_RefusesAccount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(*harness)
		want    string
	}{
		{"account that does not exist", func(*harness) {}, v1alpha1.ReasonAccountNotFound},
		{"account that does not select the namespace", func(h *harness) {
			h.updateAccount(h.applyAccount("member", databaseRole, ""), func(s *v1alpha1.AWSAccountSpec) {
				s.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "another"}}
			})
		}, v1alpha1.ReasonNamespaceNotAllowed},
		{"region that the account does not allow", func(h *harness) {
			h.applyAccount("member", databaseRole, "eu-central-1")
		}, v1alpha1.ReasonRegionNotAllowed},
		{"selector that is invalid", func(h *harness) {
			h.updateAccount(h.applyAccount("member", databaseRole, ""), func(s *v1alpha1.AWSAccountSpec) {
				s.NamespaceSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Is"}}}
			})
		}, v1alpha1.ReasonInvalidAccount},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, overloadedCluster())
			test.prepare(h)
			h.applyPolicy(strings.ReplaceAll(throughMember(verticalReadersPolicy), "MEMBER", h.accountName("member")))
			h.runFor("p", 40*time.Minute, nil)
			p := h.requireAuthorized("p", "False "+test.want)
			if calls := h.aws.Calls(); len(calls) > 0 {
				t.Errorf("AWS got %d requests, want none: %+v", len(calls), calls[0])
			}
			for _, text := range []string{statusYAML(p), strings.Join(h.events.all(), "\n")} {
				for _, secret := range []string{"arn:", "123456789012", "eu-central-1", "dbscaler-member"} {
					if strings.Contains(text, secret) {
						t.Errorf("%q is shown:\n%s", secret, text)
					}
				}
			}
		})
	}
}

// TestReconcile_RequiresAccount: with --require-account, the operator's own identity needs an AWSAccount as well.
func TestReconcile_RequiresAccount(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.reconciler.RequireAccount = true
	h.applyAccount("own", "", "eu-west-1")
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", 5*time.Minute, nil)
	h.requireAuthorized("p", "False "+v1alpha1.ReasonAccountRequired)
	if calls := h.aws.Calls(); len(calls) > 0 {
		t.Errorf("AWS got %d requests, want none", len(calls))
	}
	named := strings.Replace(verticalReadersPolicy, "region: eu-west-1", "region: eu-west-1, accountRef: {name: "+h.accountName("own")+"}", 1)
	h.applyPolicy(strings.Replace(named, "name: p}", "name: q}", 1))
	h.runUntil("q", "resized", 2*time.Hour, hasSucceeded)
}

// TestReconcile_OneAccountForOneOfTwoNamespaces: of two namespaces with the same policy and consent, only the one that the AWSAccount
// selects uses it, and it may again when the selector or its labels change.
func TestReconcile_OneAccountForOneOfTwoNamespaces(t *testing.T) {
	h := newHarness(t, strings.ReplaceAll(overloadedCluster(), "NAMESPACE", "'@any'"))
	other, _ := env.NewNamespace(t)
	account := h.applyAccount("member", databaseRole, "")
	h.updateAccount(account, func(s *v1alpha1.AWSAccountSpec) {
		s.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"aws": h.namespace}}
	})
	text := strings.ReplaceAll(throughMember(verticalReadersPolicy), "MEMBER", h.accountName("member"))
	owner := *h // the harness of the second namespace: the same AWS, another namespace
	owner.namespace = other
	h.seeNamespaces(h.namespace, other)
	owner.client, owner.apiReader, owner.reconciler = h.client, h.apiReader, h.reconciler
	h.applyPolicy(text) // the older one
	owner.applyPolicy(text)
	owner.setNamespaceLabel(other, "aws", h.namespace)

	h.runFor("p", 3*time.Minute, nil)
	p := h.requireAuthorized("p", "False "+v1alpha1.ReasonNamespaceNotAllowed)
	if p.Status.Target != nil || p.Status.Readers != nil {
		t.Errorf("status shows the database to a namespace that may not use the account:\n%s", statusYAML(p))
	}
	// The older policy may not use the account, so that it does not take precedence.
	owner.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	owner.requireAuthorized("p", "True "+v1alpha1.ReasonAuthorized)
	for _, c := range h.aws.Calls() {
		want := "dbscaler"
		if c.IsMutating() {
			want = policySession(other, "p")
		}
		if c.Service != "sts" && c.SessionName != want {
			t.Errorf("%s was called in the session %s, want %s", c.Operation, c.SessionName, want)
		}
	}

	owner.setNamespaceLabel(other, "aws", "")
	h.setNamespaceLabel(h.namespace, "aws", h.namespace)
	owner.runFor("p", 2*time.Minute, nil)
	owner.requireAuthorized("p", "False "+v1alpha1.ReasonNamespaceNotAllowed)
	h.runFor("p", 2*time.Minute, nil)
	h.requireAuthorized("p", "True "+v1alpha1.ReasonAuthorized)
	requests := h.reconciler.policiesOfAccount(t.Context(), account)
	if len(requests) != 2 {
		t.Errorf("a change of the AWSAccount reconciles %v, want the policies of both namespaces", requests)
	}
	if got := h.reconciler.policiesOfNamespace(t.Context(), &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: other}}); len(got) != 1 ||
		got[0].Namespace != other {
		t.Errorf("a change of the namespace reconciles %v, want its policy", got)
	}
}

// policySession is the session name of a policy.
func policySession(namespace, name string) string { return "dbscaler-" + namespace + "." + name }

// TestReconcile_HoldsOperationWithoutAccount: an operation in progress waits while its AWSAccount is gone, and then goes on.
func TestReconcile_HoldsOperationWithoutAccount(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	account := h.applyAccount("member", databaseRole, "")
	h.applyPolicy(strings.ReplaceAll(throughMember(verticalReadersPolicy), "MEMBER", h.accountName("member")))
	started := h.runUntil("p", "operating", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	if err := h.client.Delete(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	changes := len(h.awsChanges())
	h.runFor("p", 30*time.Minute, nil)
	p := h.requireAuthorized("p", "False "+v1alpha1.ReasonAccountNotFound)
	if p.Status.Operation == nil || p.Status.Operation.ID != started.Status.Operation.ID || len(h.awsChanges()) != changes {
		t.Fatalf("want the operation %s unchanged and no AWS change; status:\n%s", started.Status.Operation.ID, statusYAML(p))
	}
	if !strings.Contains(p.Status.Decision.Message, "Operation "+started.Status.Operation.ID+" is in progress and waits") {
		t.Errorf("the decision does not say that the operation waits: %s", p.Status.Decision.Message)
	}
	h.applyAccount("member", databaseRole, "")
	h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
}

// TestReconcile_HoldsOperationOfDifferentDatabase: an administrator lets the AWSAccount lead to another account, which has a database
// of the same name. The operation that was started on the first one changes nothing there.
func TestReconcile_HoldsOperationOfDifferentDatabase(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.runUntil("p", "operating", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	p := h.getPolicy("p")
	p.Status.Target.ARN = "arn:aws:rds:eu-west-1:210987654321:cluster:orders" // as if the operation had been started there
	if err := h.client.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	changes := len(h.awsChanges())
	h.runFor("p", 30*time.Minute, nil)
	p = h.requireAuthorized("p", "False "+v1alpha1.ReasonDifferentDatabase)
	if p.Status.Operation == nil || len(h.awsChanges()) != changes {
		t.Errorf("want the operation to wait without an AWS change; status:\n%s", statusYAML(p))
	}
}

// TestReconcile_ErrorsOfAWSNameNoIdentity: what AWS says about a denied role is shown without the role and the account.
func TestReconcile_ErrorsOfAWSNameNoIdentity(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyAccount("member", memberRole, "")
	h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "AssumeRole", Code: "AccessDenied", HTTPStatus: 403,
		Message: "User: arn:aws:sts::123456789012:assumed-role/dbscaler/x is not authorized to perform: sts:AssumeRole on resource: " + memberRole})
	h.applyPolicy(strings.ReplaceAll(throughMember(verticalReadersPolicy), "MEMBER", h.accountName("member")))
	h.runFor("p", 5*time.Minute, nil)
	p := h.requireAuthorized("p", "False "+v1alpha1.ReasonAccessDenied)
	shown := statusYAML(p) + strings.Join(h.events.all(), "\n")
	if strings.Contains(shown, "arn:aws") || strings.Contains(shown, "210987654321") || !strings.Contains(shown, "sts:AssumeRole") {
		t.Errorf("want the denied action without identities, got\n%s", shown)
	}
}
