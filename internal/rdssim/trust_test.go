package rdssim

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const trustedRole = "arn:aws:iam::123456789012:role/member"

// trustPolicy trusts the simulator's default role with the external ID "id".
const trustPolicy = `{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:PRINCIPAL"}, "Action": "sts:AssumeRole",
	 "Condition": {"StringEquals": {"sts:ExternalId": "id"}}},
	{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "ACTION"}]}`

func parseTrust(t *testing.T, principal, action string) *TrustPolicy {
	t.Helper()
	policy, err := ParseTrustPolicy([]byte(strings.NewReplacer("PRINCIPAL", principal, "ACTION", action).Replace(trustPolicy)))
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// TestAssumeRole_ChecksTrustAndDuration: the refusals of STS, with its codes and texts.
func TestAssumeRole_ChecksTrustAndDuration(t *testing.T) {
	const noTags = "sts:AssumeRoleWithWebIdentity"
	for _, test := range []struct {
		name, principal, secondAction string
		tags                          map[string]string
		externalID, session           string
		seconds                       int32
		code, message                 string
	}{
		{name: "trusted role", principal: "role/dbscaler", secondAction: noTags, externalID: "id"},
		{name: "trusted account", principal: "root", secondAction: noTags, externalID: "id"},
		{name: "another role", principal: "role/other", secondAction: noTags, externalID: "id", code: "AccessDenied", message: "sts:AssumeRole on resource"},
		{name: "no external ID", principal: "root", secondAction: noTags, code: "AccessDenied", message: "sts:AssumeRole on resource"},
		{name: "another external ID", principal: "root", secondAction: noTags, externalID: "di", code: "AccessDenied", message: "sts:AssumeRole on resource"},
		{name: "tags without sts:TagSession", principal: "root", secondAction: noTags, externalID: "id", tags: map[string]string{"a": "b"},
			code: "AccessDenied", message: "sts:TagSession on resource"},
		{name: "tags with sts:TagSession", principal: "root", secondAction: "sts:TagSession", externalID: "id", tags: map[string]string{"a": "b"}},
		{name: "longer than the role allows", principal: "root", secondAction: noTags, externalID: "id", seconds: 7200,
			code: "ValidationError", message: "exceeds the MaxSessionDuration set for this role"},
		{name: "illegal session name", principal: "root", secondAction: noTags, externalID: "id", session: "shop/orders",
			code: "ValidationError", message: "roleSessionName"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newTestServer(t)
			c.options.Roles = map[string]Role{trustedRole: {Trust: parseTrust(t, test.principal, test.secondAction)}}
			c.options.SessionTags = test.tags
			in := &sts.AssumeRoleInput{RoleArn: aws.String(trustedRole), RoleSessionName: aws.String("session")}
			if test.externalID != "" {
				in.ExternalId = aws.String(test.externalID)
			}
			if test.session != "" {
				in.RoleSessionName = aws.String(test.session)
			}
			if test.seconds != 0 {
				in.DurationSeconds = aws.Int32(test.seconds)
			}
			_, err := c.stsClient.AssumeRole(t.Context(), in)
			switch {
			case test.code == "" && err != nil:
				t.Error(err)
			case test.code != "" && (errorCode(err) != test.code || !strings.Contains(err.Error(), test.message)):
				t.Errorf("got %v, want %s with %q", err, test.code, test.message)
			}
		})
	}
	c := newTestServer(t)
	c.options.Roles = map[string]Role{trustedRole: {MaxSessionSeconds: 43200}}
	_, err := c.stsClient.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(trustedRole), RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(3601),
	})
	if errorCode(err) != "ValidationError" || !strings.Contains(err.Error(), "1 hour session limit for roles assumed by role chaining") {
		t.Errorf("a chained session of more than an hour: %v", err)
	}
}

// TestExpireSessions: requests with the credentials of an expired session are refused in each protocol.
func TestExpireSessions(t *testing.T) {
	c := newTestServer(t)
	assumed, err := c.stsClient.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/dbscaler"), RoleSessionName: aws.String("session"),
	})
	if err != nil {
		t.Fatal(err)
	}
	config := c.Copy()
	config.Credentials = credentials.NewStaticCredentialsProvider(*assumed.Credentials.AccessKeyId, "simulated", "simulated")
	client := rds.NewFromConfig(config)
	if _, err := client.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{}); err != nil {
		t.Fatal(err)
	}
	if calls := c.Calls(); calls[len(calls)-1].SessionName != "session" {
		t.Errorf("the recorded call has the session name %q, want session", calls[len(calls)-1].SessionName)
	}
	c.ExpireSessions()
	if _, err := client.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{}); errorCode(err) != "ExpiredToken" {
		t.Errorf("with an expired session: %v", err)
	}
	_, err = applicationautoscaling.NewFromConfig(config).DescribeScalableTargets(t.Context(), &applicationautoscaling.DescribeScalableTargetsInput{
		ServiceNamespace: aastypes.ServiceNamespaceRds,
	})
	if errorCode(err) != "ExpiredTokenException" {
		t.Errorf("with an expired session and a JSON protocol: %v", err)
	}
}

func TestParseTrustPolicy_RefusesWhatItDoesNotSupport(t *testing.T) {
	valid := strings.NewReplacer("PRINCIPAL", "root", "ACTION", "sts:TagSession").Replace(trustPolicy)
	for before, after := range map[string]string{
		`"2012-10-17"`: `"2008-10-17"`, `"Effect": "Allow"`: `"Effect": "Deny"`, "sts:TagSession": "sts:SetSourceIdentity",
		"StringEquals": "StringLike", "sts:ExternalId": "aws:SourceIp", `"AWS"`: `"CanonicalUser"`, `"Version"`: `"Id": "x", "Version"`,
	} {
		if _, err := ParseTrustPolicy([]byte(strings.ReplaceAll(valid, before, after))); err == nil {
			t.Errorf("a trust policy with %s is accepted", after)
		}
	}
}
