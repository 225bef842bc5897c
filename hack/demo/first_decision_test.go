package main

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

// firstDecisionSpeed is the simulated seconds for each second of wall-clock time: two minutes leave the process twelve seconds to start.
const firstDecisionSpeed = 10

// TestOperator_FirstDecisionWithinTwoMinutes applies a policy to a database whose only reader has been saturated for two hours, with a real
// API server, AWS over HTTP and the operator in its own process.
func TestOperator_FirstDecisionWithinTwoMinutes(t *testing.T) {
	env, err := testenv.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	namespace, c := env.NewNamespace(t)
	d := newKillTest(t, env, strings.Replace(promotionScenario, "readers: {points: [{at: 0s, vcpus: 0.5}]}", "readers: {points: [{at: 0s, vcpus: 3}]}", 1),
		settings{speed: firstDecisionSpeed, past: 2 * time.Hour})
	policy := &v1alpha1.DBScalingPolicy{}
	text := strings.Replace(promotionPolicy, "writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge]}",
		"readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], maxReplicas: 1, preference: Vertical}", 1)
	if err := yaml.UnmarshalStrict([]byte(text), policy); err != nil {
		t.Fatal(err)
	}
	policy.Namespace = namespace
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if err := d.operator.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.operator.kill() })
	key := client.ObjectKeyFromObject(policy)
	if !d.waitUntil(t, 2*time.Minute, func() bool { return getPolicy(t, c, key).Status.Operation != nil }) {
		p := getPolicy(t, c, key)
		t.Fatalf("no operation started within two minutes; readers: %+v, decision: %+v", p.Status.Readers, p.Status.Decision)
	}
}
