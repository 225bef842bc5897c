package controllers

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// overloadedCluster would be scaled up if the policy were in order.
func overloadedCluster() string { return auroraCluster("db.r6g.xlarge", 1, 1.7, "db.r6g.large") }

// TestReconcile_ReportsMisconfiguration: each gets a condition that says what to do, and nothing changes in AWS.
func TestReconcile_ReportsMisconfiguration(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		policy       func(string) string
		prepare      func(*harness)
		length       time.Duration // 40 minutes by default
		condition    string
		want         string
		wantContains string
	}{
		{
			name: "class that the catalog does not know", condition: v1alpha1.ConditionAccepted, want: "False UnknownInstanceClass",
			policy:       func(s string) string { return strings.Replace(s, "db.r6g.xlarge", "db.r99g.xlarge", 1) },
			wantContains: `spec.readers.instanceClasses: unknown instance class "db.r99g.xlarge": correct it`,
		},
		{
			name: "database that does not exist", condition: v1alpha1.ConditionAuthorized, want: "False NotFoundOrNotOptedIn",
			policy:       func(s string) string { return strings.Replace(s, "identifier: orders", "identifier: order", 1) },
			wantContains: `There is no DBCluster named "order" in eu-west-1 that policies of the namespace`,
		},
		{
			name: "region without the database", condition: v1alpha1.ConditionTargetFound, want: "Unknown NotFoundOrNotOptedIn",
			policy:       func(s string) string { return strings.Replace(s, "eu-west-1", "eu-west-2", 1) },
			wantContains: "in eu-west-2 that policies of the namespace",
		},
		{
			name: "instance of a cluster", condition: v1alpha1.ConditionTargetFound, want: "False Unsupported",
			policy: func(string) string {
				return strings.Replace(strings.Replace(rdsInstancePolicy, "ledger", "orders-1", 1), "db.m6g", "db.r6g", 3)
			},
			wantContains: "orders",
		},
		{
			name: "class that the engine does not run on", condition: v1alpha1.ConditionTargetFound, want: "False ClassNotOffered",
			policy:       func(s string) string { return strings.Replace(s, "db.r6g.xlarge", "db.m6g.xlarge", 1) },
			wantContains: "aurora-postgresql does not run on db.m6g.xlarge",
		},
		{
			name: "database without the opt-in tag", condition: v1alpha1.ConditionAuthorized, want: "False NotFoundOrNotOptedIn",
			prepare:      func(h *harness) { h.removeOptInTag("arn:aws:rds:eu-west-1:123456789012:cluster:orders") },
			wantContains: "carry the AWS tag dbscaler.io/policy-namespace=",
		},
		{
			name: "instance without the opt-in tag", condition: v1alpha1.ConditionScalingLimited, want: "True OptInTagMissing",
			prepare:      func(h *harness) { h.removeOptInTag("arn:aws:rds:eu-west-1:123456789012:db:orders-2") },
			wantContains: "is missing on orders-2: add it",
		},
		{
			name: "no permission to read", condition: v1alpha1.ConditionAuthorized, want: "False AccessDenied",
			prepare: func(h *harness) {
				h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "DescribeDBClusters", Code: "AccessDenied", HTTPStatus: 403,
					Message: "User: x is not authorized to perform: rds:DescribeDBClusters"})
			},
			wantContains: "Grant the permissions in config/iam/policy.json to the operator's role",
		},
		{
			name: "no permission to read metrics", condition: v1alpha1.ConditionMetricsAvailable, want: "False AccessDenied",
			prepare: func(h *harness) {
				h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "GetMetricData", Code: "AccessDenied", HTTPStatus: 403,
					Message: "User: x is not authorized to perform: cloudwatch:GetMetricData"})
			},
			wantContains: "The operator may not read metrics",
		},
		{
			name: "role that may not be assumed", condition: v1alpha1.ConditionAuthorized, want: "False AccessDenied",
			policy: throughMember,
			prepare: func(h *harness) {
				h.applyAccount("member", memberRole, "")
				h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "AssumeRole", Code: "AccessDenied", HTTPStatus: 403,
					Message: "User: x is not authorized to perform: sts:AssumeRole"})
			},
			wantContains: "AWSAccount MEMBER): AccessDenied: User: x is not authorized to perform: sts:AssumeRole",
		},
		{
			name: "database of the same name in another account", condition: v1alpha1.ConditionAuthorized, want: "False NotFoundOrNotOptedIn",
			policy:       throughMember,
			prepare:      func(h *harness) { h.applyAccount("member", memberRole, "") },
			wantContains: "in eu-west-1 (AWSAccount MEMBER) that policies",
		},
		{
			name: "AWS does not answer", length: 2 * time.Minute, condition: v1alpha1.ConditionTargetFound, want: "Unknown AWSUnavailable",
			prepare:      func(h *harness) { h.aws.InjectFault(rdssim.Fault{Kind: rdssim.Unavailable}) },
			wantContains: "The database cannot be read: rds:DescribeDBClusters in eu-west-1: ",
		},
		{
			name: "CloudWatch fails", condition: v1alpha1.ConditionMetricsAvailable, want: "False AWSUnavailable",
			prepare: func(h *harness) {
				h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "GetMetricData", Code: "InternalFailure", HTTPStatus: 400,
					Message: "try again"}) // a status that the SDK does not retry
			},
			wantContains: "cloudwatch:GetMetricData in eu-west-1: ",
		},
		{
			name: "no metrics", condition: v1alpha1.ConditionMetricsAvailable, want: "False " + v1alpha1.ReasonMetricsUnavailable,
			prepare: func(h *harness) {
				h.aws.InjectFault(rdssim.Fault{Kind: rdssim.MetricGap, Instance: "orders-2"})
			},
			wantContains: "CloudWatch has no CPUUtilization",
		},
		{
			name: "disruption window that cannot be parsed", condition: v1alpha1.ConditionAccepted, want: "False InvalidSchedule",
			policy: func(s string) string {
				return s + "  disruptionWindows: [{schedule: '0 25 * * *', durationSeconds: 3600, timeZone: Europe/Amsterdam}]\n"
			},
			wantContains: "spec.disruptionWindows",
		},
		{
			name: "mode Recommend", condition: v1alpha1.ConditionScalingLimited, want: "True RecommendMode",
			policy:       func(s string) string { return strings.Replace(s, "mode: Enforce", "mode: Recommend", 1) },
			wantContains: "1 × db.r6g.large → 1 × db.r6g.xlarge",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, overloadedCluster())
			if test.prepare != nil {
				test.prepare(h)
			}
			text := verticalReadersPolicy
			if test.policy != nil {
				text = test.policy(text)
			}
			h.applyPolicy(strings.ReplaceAll(text, "MEMBER", h.accountName("member")))
			h.runFor("p", cmp.Or(test.length, 40*time.Minute), nil)
			p := h.getPolicy("p")
			if got := conditionSummary(p, test.condition); got != test.want {
				t.Fatalf("%s is %q, want %q; status:\n%s", test.condition, got, test.want, statusYAML(p))
			}
			if c := meta.FindStatusCondition(p.Status.Conditions, test.condition); !strings.Contains(c.Message, strings.ReplaceAll(test.wantContains, "MEMBER", h.accountName("member"))) {
				t.Errorf("the message is %q, want %q in it", c.Message, test.wantContains)
			}
			if p.Status.ObservedGeneration != p.Generation {
				t.Errorf("observedGeneration is %d, want %d", p.Status.ObservedGeneration, p.Generation)
			}
			h.expectChanges()
			h.expectNoStatusWrites("p", cmp.Or(test.length, 10*time.Minute))
		})
	}
}

// removeOptInTag removes the opt-in tag of a resource.
func (h *harness) removeOptInTag(arn string) {
	h.aws.WithWorld(func(w *model.World) {
		if err := w.RemoveTags(arn, []string{"dbscaler.io/policy-namespace"}); err != nil {
			h.t.Error(err)
		}
	})
}
