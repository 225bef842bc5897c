package awsx

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const optInTagKey = "aws:ResourceTag/" + scaling.TagOptIn

// policyWithDoctor joins the shipped policy and that of the check.
func policyWithDoctor(t *testing.T) *rdssim.Policy {
	t.Helper()
	shipped, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	forCheck, err := os.ReadFile("../../config/iam/doctor.json")
	if err != nil {
		t.Fatal(err)
	}
	_, statements, _ := bytes.Cut(forCheck, []byte(`"Statement": [`))
	policy, err := rdssim.ParsePolicy(bytes.Replace(shipped, []byte("\n  ]\n}"), append([]byte(","), statements...), 1))
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// TestSimulatePermissions: the decision about each request is in its place, and requests with the same resource and context share a call.
func TestSimulatePermissions(t *testing.T) {
	s := simulateScenario(t, "all-kinds", policyWithDoctor(t))
	inspector := NewInspector(s.client, ordersCluster.Scope)
	identity, err := inspector.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	principal, err := inspector.Principal(t.Context(), identity)
	if err != nil || principal != "arn:aws:iam::123456789012:role/dbscaler" {
		t.Fatalf("got %q, %v", principal, err)
	}
	const db, cluster = "arn:aws:rds:eu-west-1:123456789012:db:orders-1", "arn:aws:rds:eu-west-1:123456789012:cluster:orders"
	tagged := map[string]string{optInTagKey: "shop", "aws:ResourceTag/empty": ""}
	got, err := inspector.SimulatePermissions(t.Context(), principal, []PermissionRequest{
		{"rds:ModifyDBInstance", db, tagged}, {"rds:ModifyDBInstance", db, nil}, {"rds:ModifyDBCluster", cluster, tagged},
		{"rds:FailoverDBCluster", cluster, tagged}, {"rds:DeleteDBInstance", db, tagged}, {"rds:DescribeDBClusters", "*", nil},
	})
	want := []PermissionDecision{
		PermissionAllowed, PermissionDenied, PermissionAllowed, PermissionAllowed, PermissionDenied, PermissionAllowed,
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if count := s.CountCalls("SimulatePrincipalPolicy"); count != 4 { // db tagged, db, cluster, *
		t.Errorf("%d simulations, want 4", count)
	}
	_, err = inspector.SimulatePermissions(t.Context(), "arn:aws:iam::123456789012:role/nobody", []PermissionRequest{{Action: "rds:ModifyDBInstance", Resource: db}})
	if err == nil || !strings.Contains(err.Error(), "iam:SimulatePrincipalPolicy in eu-west-1: NoSuchEntity") {
		t.Errorf("a role that does not exist: got %v", err)
	}
	denied := NewInspector(simulateScenario(t, "all-kinds", shippedIAMPolicy(t)).client, ordersCluster.Scope)
	if _, err := denied.SimulatePermissions(t.Context(), principal, []PermissionRequest{{Action: "rds:ModifyDBInstance", Resource: db}}); !errors.Is(err, scaling.ErrDenied) {
		t.Errorf("without the permission to simulate: got %v", err)
	}
	if _, err := denied.Quotas(t.Context()); !errors.Is(err, scaling.ErrDenied) {
		t.Errorf("without the permission to read quotas: got %v", err)
	}
}

// TestPrincipal: the path of a role comes from IAM, a user is its own principal, and the root of an account has no permissions to simulate.
func TestPrincipal(t *testing.T) {
	s := simulateScenario(t, "all-kinds", nil)
	inspector := NewInspector(s.client, ordersCluster.Scope)
	for identity, want := range map[string]string{
		"arn:aws:iam::123456789012:user/ann":                     "arn:aws:iam::123456789012:user/ann",
		"arn:aws:sts::123456789012:assumed-role/dbscaler/x":      "arn:aws:iam::123456789012:role/dbscaler",
		"arn:aws:sts::123456789012:assumed-role/unknown-role/me": "arn:aws:iam::123456789012:role/unknown-role",
		"arn:aws:iam::123456789012:root":                         "",
		"arn:aws:sts::123456789012:federated-user/me":            "",
	} {
		got, err := inspector.Principal(t.Context(), Identity{ARN: identity})
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", identity, got, err, want)
		}
	}
}

// TestCheckReads_FindsEachMissingPermission removes each action of the statement Read.
func TestCheckReads_FindsEachMissingPermission(t *testing.T) {
	shipped, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(document []byte) []ReadResult {
		policy, err := rdssim.ParsePolicy(document)
		if err != nil {
			t.Fatal(err)
		}
		s := simulate(t, withTopology(loadScenario(t, "all-kinds")), policy, func(o *Options) { o.PricingRegion = "us-east-1" })
		result := s.client.Observe(t.Context(), []scaling.Target{ordersCluster}, time.Time{})[0]
		return NewInspector(s.client, ordersCluster.Scope).CheckReads(t.Context(), ordersCluster, result.Observation, true)
	}
	all := check(shipped)
	if len(all) != 12 {
		t.Errorf("%d reads, want 12: %+v", len(all), all)
	}
	for _, read := range all {
		if read.Err != nil {
			t.Errorf("%s: %v", read.Action, read.Err)
		}
		for _, without := range check(bytes.Replace(shipped, []byte(`"`+read.Action+`"`), []byte(`"rds:Nothing"`), 1)) {
			if isDenied := errors.Is(without.Err, scaling.ErrDenied); isDenied != (without.Action == read.Action) {
				t.Errorf("without %s: the error of %s is %v", read.Action, without.Action, without.Err)
			}
		}
	}
}

// TestSettings: what a new reader is created with, and where Performance Insights is on.
func TestSettings(t *testing.T) {
	s := simulateScenario(t, "all-kinds", nil)
	inspector := NewInspector(s.client, ordersCluster.Scope)
	if _, known := inspector.Settings(ordersCluster); known {
		t.Error("the settings are known before the database was read")
	}
	o := s.observe(t, ordersCluster)
	got, known := inspector.Settings(ordersCluster)
	if !known || got.SubnetGroup == "" || got.ParameterGroup == "" || !strings.HasPrefix(got.MonitoringRoleARN, "arn:aws:iam::") ||
		len(got.Insights) != len(o.Instances) || !got.Insights[o.Instances[0].Identifier] {
		t.Errorf("got %+v, %v", got, known)
	}
	missing := ordersCluster
	missing.Identifier = "nothing"
	if _, known := inspector.Settings(missing); known {
		t.Error("the settings of a database that does not exist are known")
	}
}

// TestIdentity_WithoutCredentials: the error says that there are none, and an AccessDenied of sts:AssumeRole does not.
func TestIdentity_WithoutCredentials(t *testing.T) {
	s := simulateMember(t, "", "")
	if got, err := NewInspector(s.client, memberScope).Identity(t.Context()); err != nil || got.ARN != "arn:aws:sts::123456789012:assumed-role/dbscaler-member/dbscaler" {
		t.Errorf("got %+v, %v", got, err)
	}
	denied := memberScope
	denied.ExternalID = "another"
	_, err := NewInspector(s.client, denied).Identity(t.Context())
	if !errors.Is(err, scaling.ErrDenied) || errors.Is(err, ErrNoCredentials) || !strings.Contains(err.Error(), "sts:AssumeRole in eu-west-1 (AWSAccount member): AccessDenied") {
		t.Errorf("a refused role: got %v", err)
	}
	client := newTestClient(t, "http://127.0.0.1:1", func(o *Options) { o.Credentials = aws.AnonymousCredentials{} })
	client.factory.config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("no EC2 IMDS role found")
	})
	if _, err := NewInspector(client, scaling.Scope{Region: "eu-west-1"}).Identity(t.Context()); !errors.Is(err, ErrNoCredentials) ||
		!strings.Contains(err.Error(), "no EC2 IMDS role found") {
		t.Errorf("without credentials: got %v", err)
	}
}
