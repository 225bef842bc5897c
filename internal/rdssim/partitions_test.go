package rdssim

import (
	"os"
	"testing"
)

// The shipped IAM policy allows the same in every partition of AWS.
func TestPolicy_CoversPartitions(t *testing.T) {
	document, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := ParsePolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	optedIn := conditionValues{"aws:ResourceTag/dbscaler.io/policy-namespace": "platform"}
	own := conditionValues{"aws:RequestTag/dbscaler.io/created-by": "dbscaler"}
	for _, prefix := range []string{"arn:aws:rds:eu-west-1", "arn:aws-cn:rds:cn-northwest-1", "arn:aws-us-gov:rds:us-gov-west-1"} {
		for _, test := range []struct {
			action, resource string
			values           conditionValues
		}{
			{"rds:ModifyDBInstance", ":123456789012:db:orders", optedIn},
			{"rds:ModifyDBCluster", ":123456789012:cluster:orders", optedIn},
			{"rds:CreateDBInstanceReadReplica", ":123456789012:db:orders", optedIn},
			{"rds:CreateDBInstanceReadReplica", ":123456789012:db:orders-dbscaler-1-1", own},
			{"rds:CreateDBInstance", ":123456789012:subgrp:default", nil},
		} {
			if allowed, denied := policy.evaluate(test.action, prefix+test.resource, test.values); !allowed || denied {
				t.Errorf("%s of %s%s is not allowed", test.action, prefix, test.resource)
			}
		}
	}
}
