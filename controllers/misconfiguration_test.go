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
	for _, test := range []struct {
		name      string
		policy    func(string) string
		prepare   func(*harness)
		length    time.Duration // 40 minutes unless it says otherwise
		condition string
		want      string
		says      string
	}{
		{
			name: "unknown class", condition: v1alpha1.ConditionAccepted, want: "False UnknownInstanceClass",
			policy: func(s string) string { return strings.Replace(s, "db.r6g.xlarge", "db.r99g.xlarge", 1) },
			says:   `spec.readers.instanceClasses: unknown instance class "db.r99g.xlarge": correct it`,
		},
		{
			name: "absent database", condition: v1alpha1.ConditionTargetFound, want: "False NotFound",
			policy: func(s string) string { return strings.Replace(s, "identifier: orders", "identifier: order", 1) },
			says:   `There is no DBCluster named "order" in eu-west-1. Check spec.targetRef`,
		},
		{
			name: "wrong region", condition: v1alpha1.ConditionTargetFound, want: "False NotFound",
			policy: func(s string) string { return strings.Replace(s, "eu-west-1", "eu-west-2", 1) },
			says:   "in eu-west-2. Check spec.targetRef: identifier, region",
		},
		{
			name: "an instance of a cluster", condition: v1alpha1.ConditionTargetFound, want: "False Unsupported",
			policy: func(string) string {
				return strings.Replace(strings.Replace(rdsInstancePolicy, "ledger", "orders-1", 1), "db.m6g", "db.r6g", 3)
			},
			says: "orders",
		},
		{
			name: "a class that the engine is not offered on", condition: v1alpha1.ConditionTargetFound, want: "False ClassNotOffered",
			policy: func(s string) string { return strings.Replace(s, "db.r6g.xlarge", "db.m6g.xlarge", 1) },
			says:   "aurora-postgresql does not run on db.m6g.xlarge",
		},
		{
			name: "missing tag", condition: v1alpha1.ConditionAuthorized, want: "False OptInTagMissing",
			prepare: func(l *harness) { l.removeOptInTag("arn:aws:rds:eu-west-1:123456789012:cluster:orders") },
			says:    "orders does not carry the AWS tag dbscaler.io/policy-namespace=",
		},
		{
			name: "missing tag on an instance", condition: v1alpha1.ConditionScalingLimited, want: "True OptInTagMissing",
			prepare: func(l *harness) { l.removeOptInTag("arn:aws:rds:eu-west-1:123456789012:db:orders-2") },
			says:    "is missing on orders-2: add it",
		},
		{
			name: "no permission to read", condition: v1alpha1.ConditionAuthorized, want: "False AccessDenied",
			prepare: func(l *harness) {
				l.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "DescribeDBClusters", Code: "AccessDenied", HTTPStatus: 403,
					Message: "User: x is not authorized to perform: rds:DescribeDBClusters"})
			},
			says: "Grant what config/iam/policy.json lists",
		},
		{
			name: "no permission to read metrics", condition: v1alpha1.ConditionMetricsAvailable, want: "False AccessDenied",
			prepare: func(l *harness) {
				l.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "GetMetricData", Code: "AccessDenied", HTTPStatus: 403,
					Message: "User: x is not authorized to perform: cloudwatch:GetMetricData"})
			},
			says: "The operator may not read metrics",
		},
		{
			name: "a role that may not be assumed", condition: v1alpha1.ConditionAuthorized, want: "False AccessDenied",
			policy: func(s string) string {
				return strings.Replace(s, "region: eu-west-1", "region: eu-west-1, roleARN: 'arn:aws:iam::210987654321:role/dbscaler'", 1)
			},
			prepare: func(l *harness) {
				l.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "AssumeRole", Code: "AccessDenied", HTTPStatus: 403,
					Message: "User: x is not authorized to perform: sts:AssumeRole"})
			},
			says: "arn:aws:iam::210987654321:role/dbscaler",
		},
		{
			name: "the same name in another account", condition: v1alpha1.ConditionTargetFound, want: "False NotFound",
			policy: func(s string) string {
				return strings.Replace(s, "region: eu-west-1", "region: eu-west-1, roleARN: 'arn:aws:iam::210987654321:role/dbscaler'", 1)
			},
			says: "eu-west-1 as arn:aws:iam::210987654321:role/dbscaler",
		},
		{
			name: "AWS is down", length: 2 * time.Minute, condition: v1alpha1.ConditionTargetFound, want: "Unknown AWSUnavailable",
			prepare: func(l *harness) { l.aws.InjectFault(rdssim.Fault{Kind: rdssim.Unavailable}) },
			says:    "check spec.targetRef.region",
		},
		{
			name: "no metrics", condition: v1alpha1.ConditionMetricsAvailable, want: "False MetricsUnavailable",
			prepare: func(l *harness) {
				l.aws.InjectFault(rdssim.Fault{Kind: rdssim.MetricGap, Instance: "orders-2"})
			},
			says: "CloudWatch has no CPUUtilization",
		},
		{
			name: "a window that never parses", condition: v1alpha1.ConditionAccepted, want: "False InvalidSchedule",
			policy: func(s string) string {
				return s + "  disruptionWindows: [{schedule: '0 25 * * *', durationSeconds: 3600, timeZone: Europe/Amsterdam}]\n"
			},
			says: "spec.disruptionWindows",
		},
		{
			name: "only recommending", condition: v1alpha1.ConditionScalingLimited, want: "True ModeRecommend",
			policy: func(s string) string { return s + "  mode: Recommend\n" },
			says:   "1 × db.r6g.large → 1 × db.r6g.xlarge",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newHarness(t, overloadedCluster())
			if test.prepare != nil {
				test.prepare(l)
			}
			text := verticalReadersPolicy
			if test.policy != nil {
				text = test.policy(text)
			}
			l.applyPolicy(text)
			l.runFor("p", cmp.Or(test.length, 40*time.Minute), nil)
			p := l.getPolicy("p")
			if got := conditionSummary(p, test.condition); got != test.want {
				t.Fatalf("%s is %q, want %q; status:\n%s", test.condition, got, test.want, statusYAML(p))
			}
			if c := meta.FindStatusCondition(p.Status.Conditions, test.condition); !strings.Contains(c.Message, test.says) {
				t.Errorf("it says %q, want %q in it", c.Message, test.says)
			}
			if p.Status.ObservedGeneration != p.Generation {
				t.Errorf("observedGeneration is %d, want %d", p.Status.ObservedGeneration, p.Generation)
			}
			if got := l.awsChanges(); len(got) > 0 {
				t.Errorf("AWS was asked for changes:\n%s", strings.Join(got, "\n"))
			}
			*l.statusWrites = 0
			l.runFor("p", cmp.Or(test.length, 10*time.Minute), nil)
			if *l.statusWrites > 0 {
				t.Errorf("nothing has changed, and status was written %d times; it is now\n%s", *l.statusWrites, statusYAML(l.getPolicy("p")))
			}
		})
	}
}

// TestReconcile_DefersToOlderPolicy: the older acts, the younger says who does.
func TestReconcile_DefersToOlderPolicy(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(verticalReadersPolicy)
	l.applyPolicy(strings.Replace(verticalReadersPolicy, "name: p", "name: q", 1))
	l.runFor("q", time.Hour, nil)
	if got := l.awsChanges(); len(got) > 0 {
		t.Fatalf("the younger policy asked for changes:\n%s", strings.Join(got, "\n"))
	}
	q := l.getPolicy("q")
	if got := conditionSummary(q, v1alpha1.ConditionAuthorized); got != "False PolicyConflict" {
		t.Fatalf("Authorized is %s", got)
	}
	if c := meta.FindStatusCondition(q.Status.Conditions, v1alpha1.ConditionStalled); c == nil || !strings.Contains(c.Message, l.namespace+"/p scales the same database") {
		t.Errorf("Stalled is %+v", c)
	}
	l.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
}

// TestReconcile_ReportsDeniedChange: AWS refuses the change itself. Nothing changes, the policy says so, and tries again only after the
// cooldown; once the permission is there it goes on.
func TestReconcile_ReportsDeniedChange(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "CreateDBInstance", Code: "AccessDenied", HTTPStatus: 403,
		Message: "User: x is not authorized to perform: rds:CreateDBInstance", ExpiresAt: scenarioStart.Add(30 * time.Minute)})
	l.applyPolicy(verticalReadersPolicy)
	p := l.runUntil("p", "refused", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return conditionSummary(p, v1alpha1.ConditionAuthorized) == "False AccessDenied"
	})
	if got := conditionSummary(p, v1alpha1.ConditionReady); got != "False AccessDenied" || p.Status.Operation != nil {
		t.Errorf("Ready is %s, operation %+v", got, p.Status.Operation)
	}
	first := len(l.awsChanges())
	l.runFor("p", 4*time.Minute, nil)
	if got := len(l.awsChanges()); first != 1 || got != 1 {
		t.Errorf("AWS was asked %d times, then %d within the cooldown", first, got)
	}
	l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	if got := conditionSummary(l.getPolicy("p"), v1alpha1.ConditionAuthorized); got != "True Authorized" {
		l.runFor("p", 2*time.Minute, nil)
		if got := conditionSummary(l.getPolicy("p"), v1alpha1.ConditionAuthorized); got != "True Authorized" {
			t.Errorf("Authorized is %s after it worked", got)
		}
	}
}

// removeOptInTag removes the opt-in tag of a resource.
func (l *harness) removeOptInTag(arn string) {
	l.aws.WithWorld(func(w *model.World) {
		if err := w.RemoveTags(arn, []string{"dbscaler.io/policy-namespace"}); err != nil {
			l.t.Error(err)
		}
	})
}
