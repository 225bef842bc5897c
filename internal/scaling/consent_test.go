package scaling

import (
	"strings"
	"testing"
)

func TestIsOptedIn(t *testing.T) {
	tests := []struct {
		name      string
		value     string
		namespace string
		cluster   string
		want      bool
	}{
		{"namespace of the policy", "platform", "platform", "", true},
		{"namespace of the policy, in a named cluster", "platform", "platform", "prod", true},
		{"another namespace", "platform", "billing", "", false},
		{"any namespace", OptInAny, "platform", "", true},
		{"any namespace, in a named cluster", OptInAny, "platform", "prod", true},
		{"this cluster", "platform@prod", "platform", "prod", true},
		{"another cluster", "platform@prod", "platform", "dev", false},
		{"a cluster whose name starts with that of this one", "platform@prod-2", "platform", "prod", false},
		{"a cluster, and the operator has no name", "platform@prod", "platform", "", false},
		{"another namespace of this cluster", "platform@prod", "billing", "prod", false},
		{"no name after the @, and the operator has none", "platform@", "platform", "", false},
		{"asterisk, which RDS refuses as a tag value", "*", "platform", "", false},
		{"empty tag and empty namespace", "", "", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := IsOptedIn(map[string]string{TagOptIn: test.value}, test.namespace, test.cluster); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
	if IsOptedIn(nil, "platform", "prod") {
		t.Error("a database without the tag has opted in")
	}
}

func TestCheckClusterName(t *testing.T) {
	for name, valid := range map[string]bool{
		"": true, "prod": true, "arn:aws:eks:eu-west-1:123456789012:cluster/prod": true, "a_b.c=d+e": true, strings.Repeat("a", 192): true,
		"a@b": false, "a b": false, "pröd": false, "prod*": false, strings.Repeat("a", 193): false, "aws:prod": false, "RDS:prod": false,
	} {
		if err := CheckClusterName(name); (err == nil) != valid {
			t.Errorf("%q: error %v, want valid %t", name, err, valid)
		}
	}
}

func TestMarkOtherClusters(t *testing.T) {
	for _, test := range []struct {
		name, cluster, by string
		own               bool
	}{
		{"mark of this cluster", "prod", "prod", true},
		{"mark of another cluster", "prod", "dev", false},
		{"no mark", "prod", "", true},
		{"mark of another cluster, and the operator has no name", "", "dev", false},
		{"neither has a name", "", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := Instance{Tags: map[string]string{TagCreatedBy: TagCreatedByValue, TagSurge: "op-1"}}
			if test.by != "" {
				i.Tags[TagOperatedBy] = test.by
			}
			instances := []Instance{i}
			MarkOtherClusters(instances, test.cluster)
			if got := instances[0]; got.CreatedByOperator() != test.own || (got.SurgeOperation() != "") != test.own {
				t.Errorf("created by this operator: %t, surge operation %q; want own %t", got.CreatedByOperator(), got.SurgeOperation(), test.own)
			}
		})
	}
}

func TestRedactIdentities(t *testing.T) {
	const text = "AccessDenied: User: arn:aws:sts::111122223333:assumed-role/dbscaler/dbscaler-shop.orders is not authorized to perform: " +
		"sts:AssumeRole on resource: arn:aws-cn:iam::444455556666:role/path/member because 777788889999 denies it"
	const want = "AccessDenied: User: <identity> is not authorized to perform: sts:AssumeRole on resource: <identity> because <account> denies it"
	if got := RedactIdentities(text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	const database = "rds:ModifyDBInstance on resource: arn:aws:rds:eu-west-1:111122223333:db:orders-1"
	if got := RedactIdentities(database); got != "rds:ModifyDBInstance on resource: arn:aws:rds:eu-west-1:<account>:db:orders-1" {
		t.Errorf("got %s", got)
	}
}
