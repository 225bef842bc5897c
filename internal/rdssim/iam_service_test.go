package rdssim

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	defaultRole    = "arn:aws:iam::123456789012:role/dbscaler"
	simulatePolicy = `{"Version":"2012-10-17","Statement":[
	{"Sid":"Simulate","Effect":"Allow","Action":["iam:SimulatePrincipalPolicy","iam:GetRole"],"Resource":"*"},
	{"Sid":"Modify","Effect":"Allow","Action":"rds:ModifyDBInstance","Resource":"arn:*:rds:*:*:db:*",
	 "Condition":{"Null":{"aws:ResourceTag/dbscaler.io/policy-namespace":"false"}}},
	{"Sid":"Never","Effect":"Deny","Action":"rds:DeleteDBInstance","Resource":"*"}]}`
)

func (c *testServer) iamClient() *iam.Client {
	return iam.NewFromConfig(c.Config, func(o *iam.Options) { o.Retryer = aws.NopRetryer{} })
}

// TestSimulatePrincipalPolicy: the decisions of the simulation are those of the enforcement, and the refusals those of IAM.
func TestSimulatePrincipalPolicy(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, simulatePolicy)
	simulate := func(source, action string, entries ...iamtypes.ContextEntry) (*iam.SimulatePrincipalPolicyOutput, error) {
		return c.iamClient().SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String(source), ActionNames: []string{action}, ResourceArns: []string{orders2ARN}, ContextEntries: entries,
		})
	}
	tag := iamtypes.ContextEntry{
		ContextKeyName: aws.String("aws:ResourceTag/dbscaler.io/policy-namespace"), ContextKeyType: iamtypes.ContextKeyTypeEnumString,
		ContextKeyValues: []string{"shop"},
	}
	for _, test := range []struct {
		name, action string
		entries      []iamtypes.ContextEntry
		want         iamtypes.PolicyEvaluationDecisionType
		wantMissing  []string
	}{
		{"condition met", "rds:ModifyDBInstance", []iamtypes.ContextEntry{tag}, iamtypes.PolicyEvaluationDecisionTypeAllowed, nil},
		{"tag not stated, although the instance may have it", "rds:ModifyDBInstance", nil, iamtypes.PolicyEvaluationDecisionTypeImplicitDeny,
			[]string{"aws:ResourceTag/dbscaler.io/policy-namespace"}},
		{"no statement", "rds:ModifyDBCluster", nil, iamtypes.PolicyEvaluationDecisionTypeImplicitDeny, nil},
		{"explicit deny", "rds:DeleteDBInstance", nil, iamtypes.PolicyEvaluationDecisionTypeExplicitDeny, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := simulate(defaultRole, test.action, test.entries...)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.EvaluationResults) != 1 || len(out.EvaluationResults[0].ResourceSpecificResults) != 1 {
				t.Fatalf("got %d results, want one with one resource", len(out.EvaluationResults))
			}
			result := out.EvaluationResults[0]
			specific := result.ResourceSpecificResults[0]
			if result.EvalDecision != test.want || specific.EvalResourceDecision != test.want || aws.ToString(specific.EvalResourceName) != orders2ARN ||
				!slices.Equal(specific.MissingContextValues, test.wantMissing) {
				t.Errorf("got %s, %+v; want %s with missing %v", result.EvalDecision, specific, test.want, test.wantMissing)
			}
		})
	}
	for _, test := range []struct{ name, source, action, code, message string }{
		{"session of a role", "arn:aws:sts::123456789012:assumed-role/dbscaler/x", "rds:ModifyDBInstance", "InvalidInput", "Invalid Entity Arn"},
		{"unknown role", "arn:aws:iam::123456789012:role/nobody", "rds:ModifyDBInstance", "NoSuchEntity", "nobody cannot be found"},
		{"invalid action", defaultRole, "ModifyDBInstance", "InvalidInput", "Invalid Action"},
	} {
		if _, err := simulate(test.source, test.action); errorCode(err) != test.code || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: got %v, want %s: %s", test.name, err, test.code, test.message)
		}
	}
	if unused := c.options.Policy.Unused(); !slices.Contains(unused, "Modify: rds:ModifyDBInstance") {
		t.Errorf("a simulated request counts as a use of the permission: unused are %v", unused)
	}
	c.setPolicy(t, readOnlyPolicy)
	if _, err := simulate(defaultRole, "rds:ModifyDBInstance"); errorCode(err) != "AccessDenied" {
		t.Errorf("without iam:SimulatePrincipalPolicy: got %v", err)
	}
}

// TestGetRole: the ARN of a role has its path, which the session does not show.
func TestGetRole(t *testing.T) {
	const withPath = "arn:aws:iam::123456789012:role/teams/data/reader"
	c := newTestServer(t)
	c.options.Policy, c.options.Roles = nil, map[string]Role{withPath: {}}
	got, err := c.iamClient().GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("reader")})
	if err != nil || aws.ToString(got.Role.Arn) != withPath || aws.ToString(got.Role.Path) != "/teams/data/" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := c.iamClient().GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("nobody")}); errorCode(err) != "NoSuchEntity" {
		t.Errorf("an unknown role: got %v", err)
	}
	identity, err := c.stsClient.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || !strings.HasPrefix(aws.ToString(identity.Arn), "arn:aws:sts::123456789012:assumed-role/dbscaler/") {
		t.Errorf("got %+v, %v", identity, err)
	}
}

// TestDescribeAccountAttributes: the quotas show what the account uses in the region, and need a permission.
func TestDescribeAccountAttributes(t *testing.T) {
	c := newTestServer(t)
	c.options.Policy = nil
	got, err := c.rdsClient.DescribeAccountAttributes(t.Context(), &rds.DescribeAccountAttributesInput{})
	if err != nil {
		t.Fatal(err)
	}
	instances, err := c.rdsClient.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	quotas := map[string][2]int64{}
	for _, q := range got.AccountQuotas {
		quotas[aws.ToString(q.AccountQuotaName)] = [2]int64{aws.ToInt64(q.Used), aws.ToInt64(q.Max)}
	}
	if want := [2]int64{int64(len(instances.DBInstances)), 40}; quotas["DBInstances"] != want || quotas["ReadReplicasPerMaster"][1] != 15 {
		t.Errorf("got %v, want DBInstances %v", quotas, want)
	}
	c.setPolicy(t, readOnlyPolicy)
	if _, err := c.rdsClient.DescribeAccountAttributes(t.Context(), &rds.DescribeAccountAttributesInput{}); errorCode(err) != "AccessDenied" {
		t.Errorf("without the permission: got %v", err)
	}
}
