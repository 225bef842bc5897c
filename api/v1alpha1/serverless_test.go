package v1alpha1_test

import "testing"

// serverlessPolicy scales an Aurora Serverless v2 cluster.
const serverlessPolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: sessions}
spec:
  targetRef: {kind: DBCluster, identifier: sessions, region: eu-west-1}
  serverless: {maxCapacity: {min: 8, max: 64}, minCapacity: {min: "0.5", max: 16}}
`

func TestValidation_Serverless(t *testing.T) {
	const (
		stepMessage  = "min and max must be from 0 to 256 ACUs in steps of 0.5"
		orderMessage = "min must not be above max"
	)
	namespace, c := env.NewNamespace(t)
	for _, test := range []struct{ path, value, field, message string }{
		{path: "spec.mode", value: "Enforce"},
		{path: "spec.serverless.minCapacity", value: "absent"},
		{path: "spec.serverless.maxCapacity", value: "absent", message: "Required value"},
		{path: "spec.serverless.maxCapacity.min", value: "absent", message: "Required value"},
		{path: "spec.serverless.maxCapacity", value: `{min: "10.5", max: 256}`, field: "spec.serverless"},
		{path: "spec.serverless.maxCapacity", value: `{min: "16", max: "16.0"}`},
		{path: "spec.serverless.maxCapacity", value: `{min: 8, max: "256.5"}`, message: stepMessage},
		{path: "spec.serverless.maxCapacity", value: `{min: 8, max: "16.25"}`, message: stepMessage},
		{path: "spec.serverless.maxCapacity", value: `{min: 8, max: many}`, field: "spec.serverless.maxCapacity.max", message: "should match"},
		{path: "spec.serverless.maxCapacity", value: `{min: 65, max: 64}`, message: orderMessage},
		{path: "spec.serverless", value: `{maxCapacity: {min: "0.5", max: 16}}`, field: "spec.serverless.maxCapacity",
			message: "min must be at least 1 ACU"},
		{path: "spec.serverless.minCapacity", value: `{min: 0, max: "500m"}`},
		{path: "spec.serverless.minCapacity", value: `{min: "-0.5", max: 1}`, message: stepMessage},
		{path: "spec.serverless.minCapacity", value: `{min: 0.5, max: 1}`, field: "spec.serverless.minCapacity.min", message: "must be of type"},
		{path: "spec.serverless.minCapacity", value: `{min: 1, max: 65}`, field: "spec.serverless",
			message: "minCapacity.min must not be above maxCapacity.min, nor minCapacity.max above maxCapacity.max"},
		{path: "spec.serverless.minCapacity", value: `{min: "8.5", max: 16}`, field: "spec.serverless",
			message: "minCapacity.min must not be above maxCapacity.min, nor minCapacity.max above maxCapacity.max"},
		{path: "spec.prices", value: `[{instanceClass: db.serverless, hourlyPriceUSD: "0.12"}]`},
		{path: "spec.prices", value: `[{instanceClass: serverless, hourlyPriceUSD: "0.12"}]`, field: "spec.prices[0].instanceClass",
			message: "must be an instance class such as db.r6g.xlarge"},
	} {
		t.Run(test.path+"="+test.value, func(t *testing.T) {
			policy := parsePolicy(t, serverlessPolicy, namespace)
			setField(t, policy, test.path, test.value)
			field := test.field
			if field == "" {
				field = test.path
			}
			expectValidationError(t, c.Create(t.Context(), policy, strictDryRun...), field, test.message)
		})
	}
}
