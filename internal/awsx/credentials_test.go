package awsx

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// memberRole is a role in the account of the simulated databases, which trusts the operator as config/iam/trust-member-account.json
// says.
const memberRole = "arn:aws:iam::123456789012:role/dbscaler-member"

// memberScope is how the operator reaches databases through it.
var memberScope = scaling.Scope{Region: "eu-west-1", Account: "member", RoleARN: memberRole, ExternalID: "EXTERNAL-ID"}

// readTemplate reads a document of config/iam and replaces the account of the operator and the ARN of the member role.
func readTemplate(t *testing.T, name string) []byte {
	t.Helper()
	document, err := os.ReadFile("../../config/iam/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer("111122223333", rdssim.DefaultAccount, "arn:aws:iam::444455556666:role/dbscaler-member", memberRole).
		Replace(string(document)))
}

// simulateMember returns the simulator with a role that has the shipped trust policy. The operator has the shipped policies, and the
// session tags of EKS Pod Identity. without removes an action from the trust policy and from the operator's policy.
func simulateMember(t *testing.T, withoutInTrust, withoutInPolicy string) *simulatedAWS {
	t.Helper()
	remove := func(document []byte, action string) []byte {
		if action == "" {
			return document
		}
		return []byte(strings.ReplaceAll(string(document), `"`+action+`"`, `"sts:AssumeRoleWithWebIdentity"`))
	}
	trust, err := rdssim.ParseTrustPolicy(remove(readTemplate(t, "trust-member-account.json"), withoutInTrust))
	if err != nil {
		t.Fatal(err)
	}
	assume, err := rdssim.ParsePolicy(remove(readTemplate(t, "assume-member-role.json"), withoutInPolicy))
	if err != nil {
		t.Fatal(err)
	}
	scenario := loadScenario(t, "all-kinds")
	for _, name := range []string{"multi-az-cluster", "serverless"} {
		scenario.Databases = append(scenario.Databases, loadScenario(t, name).Databases...)
	}
	world, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	s := &simulatedAWS{clock: clocktesting.NewFakeClock(scenario.Start.Time)}
	s.Server = rdssim.New(rdssim.Options{
		World: world, Clock: s.clock, Policy: shippedIAMPolicy(t), AssumePolicy: assume,
		Roles:       map[string]rdssim.Role{memberRole: {Trust: trust}},
		SessionTags: map[string]string{"kubernetes-namespace": "dbscaler-system", "kubernetes-service-account": "dbscaler"},
	})
	server := httptest.NewServer(s.Server)
	t.Cleanup(server.Close)
	s.client = newTestClient(t, server.URL, func(o *Options) { o.Clock = s.clock })
	s.clock.Step(time.Hour)
	return s
}

// TestAssumeRole_ShippedDocumentsAreEnough: the shipped trust policy and the operator's policy let it read a member account, also with
// the transitive session tags of EKS Pod Identity. Without one of their actions, or with another external ID, AWS denies it.
func TestAssumeRole_ShippedDocumentsAreEnough(t *testing.T) {
	for _, test := range []struct {
		name, withoutInTrust, withoutInPolicy string
		scope                                 scaling.Scope
		denied                                string
	}{
		{name: "as shipped", scope: memberScope},
		{name: "no sts:TagSession in the trust policy", withoutInTrust: "sts:TagSession", scope: memberScope, denied: "sts:TagSession"},
		{name: "no sts:TagSession in the operator's policy", withoutInPolicy: "sts:TagSession", scope: memberScope, denied: "sts:TagSession"},
		{name: "no sts:AssumeRole in the operator's policy", withoutInPolicy: "sts:AssumeRole", scope: memberScope, denied: "sts:AssumeRole"},
		{name: "no external ID", scope: scaling.Scope{Region: "eu-west-1", RoleARN: memberRole}, denied: "sts:AssumeRole"},
		{name: "another external ID", scope: scaling.Scope{Region: "eu-west-1", RoleARN: memberRole, ExternalID: "another"}, denied: "sts:AssumeRole"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := simulateMember(t, test.withoutInTrust, test.withoutInPolicy)
			target := scaling.Target{Scope: test.scope, Kind: scaling.DBCluster, Identifier: "orders"}
			got := s.client.Observe(t.Context(), []scaling.Target{target}, time.Time{})[0]
			if test.denied == "" {
				if got.Err != nil || !got.Observation.Found {
					t.Errorf("found %t, error %v; want the database", got.Observation.Found, got.Err)
				}
				return
			}
			expectCause(t, got.Err, scaling.ErrDenied)
			if !strings.Contains(got.Err.Error(), "not authorized to perform: "+test.denied+" on resource: "+memberRole) {
				t.Errorf("the error is %v", got.Err)
			}
		})
	}
}

// TestAssumeRole_SessionsNameThePolicy: each policy changes databases in a session of its own, and all read in one.
func TestAssumeRole_SessionsNameThePolicy(t *testing.T) {
	s := simulateMember(t, "", "")
	target := scaling.Target{Scope: memberScope, Kind: scaling.DBCluster, Identifier: "orders"}
	for _, policy := range []string{"shop/orders", "billing/orders", "shop/orders"} {
		tier := scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "orders-2", PromotionTier: 3, Policy: policy}
		if err := s.client.Execute(t.Context(), target, tier); err != nil {
			t.Fatal(err)
		}
	}
	s.client.Observe(t.Context(), []scaling.Target{target}, time.Time{})
	var changes []string
	assumed := map[string]int{}
	for _, call := range s.Calls() {
		switch {
		case call.Operation == "AssumeRole":
			assumed[call.Parameters["RoleSessionName"]]++
			if call.Parameters["DurationSeconds"] != "3600" {
				t.Errorf("the session %s lasts %s s, want 3600", call.Parameters["RoleSessionName"], call.Parameters["DurationSeconds"])
			}
		case call.IsMutating():
			changes = append(changes, call.SessionName)
		case call.SessionName != "dbscaler":
			t.Errorf("%s was called in the session %s, want dbscaler", call.Operation, call.SessionName)
		}
	}
	if want := []string{"dbscaler-shop.orders", "dbscaler-billing.orders", "dbscaler-shop.orders"}; !slices.Equal(changes, want) {
		t.Errorf("changes were made in the sessions %v, want %v", changes, want)
	}
	if assumed["dbscaler"] != 1 || assumed["dbscaler-shop.orders"] != 1 || assumed["dbscaler-billing.orders"] != 1 {
		t.Errorf("the role was assumed %v times, want once for each session", assumed)
	}
}

// TestAssumeRole_SessionsNameThePolicyOfEveryAction: no request that changes something is made in a session that policies share.
func TestAssumeRole_SessionsNameThePolicyOfEveryAction(t *testing.T) {
	s := simulateMember(t, "", "")
	execute := func(kind scaling.TargetKind, identifier string, call scaling.Call) {
		t.Helper()
		call.Policy = "shop/orders"
		if err := s.client.Execute(t.Context(), scaling.Target{Scope: memberScope, Kind: kind, Identifier: identifier}, call); err != nil {
			t.Fatal(err)
		}
	}
	ownTags := map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
	newReader, newReplica := "orders-dbscaler-0a1b2c3d-1", "ledger-dbscaler-0a1b2c3d-1"
	execute(scaling.DBCluster, "orders", scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "orders-2", PromotionTier: 3})
	execute(scaling.DBCluster, "orders", scaling.Call{
		Action: scaling.CreateReader, Instance: newReader, InstanceClass: "db.r6g.large", Tags: ownTags,
	})
	execute(scaling.DBInstance, "ledger", scaling.Call{
		Action: scaling.CreateReader, Instance: newReplica, InstanceClass: "db.m6g.large", Tags: ownTags,
	})
	execute(scaling.DBCluster, "payments", scaling.Call{
		Action: scaling.ModifyClusterClass, Instance: "payments", InstanceClass: "db.m6gd.xlarge",
	})
	execute(scaling.DBCluster, "sessions", scaling.Call{Action: scaling.ModifyCapacity, Instance: "sessions", InstanceClass: "32 ACU"})
	s.clock.Step(time.Hour)
	execute(scaling.DBCluster, "sessions", scaling.Call{Action: scaling.ModifyMinCapacity, Instance: "sessions", InstanceClass: "2 ACU"})
	execute(scaling.DBInstance, "billing", scaling.Call{
		Action: scaling.ModifyInstanceClass, Instance: "billing", InstanceClass: "db.m6g.xlarge",
	})
	execute(scaling.DBCluster, "orders", scaling.Call{Action: scaling.Failover, Instance: "orders-2"})
	s.clock.Step(time.Hour)
	execute(scaling.DBCluster, "orders", scaling.Call{Action: scaling.DeleteReader, Instance: newReader})
	execute(scaling.DBInstance, "ledger", scaling.Call{Action: scaling.DeleteReader, Instance: newReplica})
	changes := 0
	var operations []string
	for _, call := range s.Calls() {
		if !call.IsMutating() {
			continue
		}
		changes++
		operations = append(operations, call.Operation)
		if call.SessionName != "dbscaler-shop.orders" {
			t.Errorf("%s was called in the session %s, want dbscaler-shop.orders", call.Operation, call.SessionName)
		}
	}
	if changes != 10 {
		t.Errorf("%d changes were requested, want 10: %v", changes, operations)
	}
	for method := range reflect.TypeFor[rdsWriteAPI]().Methods() {
		if !slices.Contains(operations, method.Name) {
			t.Errorf("%s was not called", method.Name)
		}
	}
}

func TestPolicySessionName(t *testing.T) {
	names := map[string]string{}
	for _, policy := range []string{
		"shop/orders", "a-b/c", "a/b-c", strings.Repeat("n", 63) + "/" + strings.Repeat("p", 253), strings.Repeat("n", 63) + "/" + strings.Repeat("p", 252),
		"n/" + strings.Repeat("p", 53), "n/" + strings.Repeat("p", 54),
	} {
		name := policySessionName(policy)
		if other, taken := names[name]; taken {
			t.Errorf("%s and %s have the same session name %s", policy, other, name)
		}
		names[name] = policy
		if len(name) > 64 || !strings.HasPrefix(name, "dbscaler-") || strings.ContainsAny(name, "/:") || policySessionName(policy) != name {
			t.Errorf("%s has the session name %s (%d characters)", policy, name, len(name))
		}
	}
	if names["dbscaler-shop.orders"] == "" {
		t.Errorf("got %v, want dbscaler-shop.orders", names)
	}
}

// TestPolicyWriters_AreBounded: credentials of policies are dropped when they are idle, and when there are too many.
func TestPolicyWriters_AreBounded(t *testing.T) {
	clock := clocktesting.NewFakeClock(testStart)
	created := 0
	w := &policyWriters{clock: clock, writers: map[string]*policyWriter{}, newWriter: func(string) rdsWriteAPI {
		created++
		return nil
	}}
	for n := range 3 * maxPolicySessions {
		clock.Step(time.Second)
		w.get("a/always") // used all the time
		clock.Step(time.Second)
		w.get(fmt.Sprintf("a/%d", n))
	}
	if len(w.writers) != maxPolicySessions || created != 3*maxPolicySessions+1 {
		t.Errorf("%d clients are kept of %d created, want %d of %d", len(w.writers), created, maxPolicySessions, 3*maxPolicySessions+1)
	}
	clock.Step(idleRetention + time.Second)
	w.get("a/b")
	if len(w.writers) != 1 {
		t.Errorf("%d clients are kept after an idle time, want 1", len(w.writers))
	}
}

// TestAssumeRole_ExpiredSessionIsReplaced: AWS says that a session has expired although it should be valid. The error says that AWS is
// unavailable, not that access is denied, and the next request uses a new session.
func TestAssumeRole_ExpiredSessionIsReplaced(t *testing.T) {
	s := simulateMember(t, "", "")
	target := scaling.Target{Scope: memberScope, Kind: scaling.DBCluster, Identifier: "orders"}
	call := scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "orders-2", PromotionTier: 3, Policy: "shop/orders"}
	read := func() error {
		s.clock.Step(2 * time.Minute)
		return s.client.Observe(t.Context(), []scaling.Target{target}, s.clock.Now())[0].Err
	}
	for _, request := range map[string]func() error{
		"change": func() error { return s.client.Execute(t.Context(), target, call) },
		"read":   read,
	} {
		if err := request(); err != nil {
			t.Fatal(err)
		}
		s.ExpireSessions()
		expectCause(t, request(), scaling.ErrUnavailable)
		if err := request(); err != nil {
			t.Errorf("the expired session is still used: %v", err)
		}
		if err := read(); err != nil && !strings.Contains(err.Error(), "Expired") { // the session of the reads has expired as well
			t.Fatal(err)
		}
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAssumeRole_RenewsEarly: credentials are replaced 2.5 to 5 minutes before AWS ends them, and not all at the same time.
func TestAssumeRole_RenewsEarly(t *testing.T) {
	end := testStart.AddDate(100, 0, 0)
	server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) {
		writeResult(w, "AssumeRole", `<Credentials><AccessKeyId>AKIDEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>`+
			`<SessionToken>token</SessionToken><Expiration>`+end.Format(time.RFC3339)+`</Expiration></Credentials>`)
	})
	factory := newTestClient(t, server.URL).factory
	replacedAt := map[time.Time]bool{}
	for range 5 {
		credentials, err := factory.assumeRole(memberScope, "dbscaler").Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if early := end.Sub(credentials.Expires); early < 150*time.Second || early > 5*time.Minute {
			t.Errorf("the credentials are replaced %s before their end, want 2m30s to 5m0s", early)
		}
		replacedAt[credentials.Expires] = true
	}
	if len(replacedAt) < 2 {
		t.Errorf("all credentials are replaced at the same time: %v", replacedAt)
	}
}

func TestClassify_ExpiredCredentialsAreUnavailable(t *testing.T) {
	for _, code := range expiredTokenCodes {
		server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) { writeError(w, 403, code, "expired") })
		err := newTestClient(t, server.URL).Execute(t.Context(), scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "orders"},
			scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "orders", InstanceClass: "db.r6g.large"})
		expectCause(t, err, scaling.ErrUnavailable)
	}
}

// TestAssumeRole_CallsSTSInHomeRegion: the region of the database may have no reachable STS endpoint.
func TestAssumeRole_CallsSTSInHomeRegion(t *testing.T) {
	for home, want := range map[string]string{"us-east-1": "us-east-1", "": "ap-east-1"} {
		server := newFakeQueryAPI(t, func(w http.ResponseWriter, _ url.Values) { writeError(w, 403, "AccessDenied", "denied") })
		t.Setenv("AWS_REGION", home)
		target := scaling.Target{Scope: scaling.Scope{Region: "ap-east-1", RoleARN: memberRole}, Kind: scaling.DBCluster, Identifier: "orders"}
		newTestClient(t, server.URL).Observe(t.Context(), []scaling.Target{target}, testStart)
		for _, request := range server.requests {
			if !strings.Contains(request.header.Get("Authorization"), "/"+want+"/sts/") {
				t.Errorf("with the home region %q, %s was signed for %s", home, request.form.Get("Action"), request.header.Get("Authorization"))
			}
		}
		if len(server.requests) == 0 {
			t.Error("the role was not assumed")
		}
	}
}

// TestDeleteReader_OfOtherClusterIsRejected: a fresh read shows that another cluster's operator created the reader.
func TestDeleteReader_OfOtherClusterIsRejected(t *testing.T) {
	for cluster, deleted := range map[string]bool{"prod": true, "dev": false, "": false} {
		s := simulateAllKinds(t, func(o *Options) { o.ClusterName = cluster })
		target := scaling.Target{Scope: euWest1, Kind: scaling.DBCluster, Identifier: "orders"}
		s.WithWorld(func(w *model.World) {
			err := w.AddTags("arn:aws:rds:eu-west-1:123456789012:db:orders-2", map[string]string{
				scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagOperatedBy: "prod",
			})
			if err != nil {
				t.Error(err)
			}
		})
		o := s.client.Observe(t.Context(), []scaling.Target{target}, time.Time{})[0].Observation
		if i, found := o.Instance("orders-2"); !found || i.CreatedByOperator() != deleted {
			t.Errorf("cluster %q: found %t, created by this operator %t, want %t", cluster, found, i.CreatedByOperator(), deleted)
		}
		err := s.client.Execute(t.Context(), target, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-2"})
		if (err == nil) != deleted {
			t.Errorf("cluster %q: the deletion returns %v", cluster, err)
		}
	}
}
