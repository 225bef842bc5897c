package main

import (
	"path/filepath"
	"strings"
	"testing"

	notifications "github.com/argoproj/argo-cd/v3/util/notification/settings"
	"github.com/argoproj/notifications-engine/pkg/api"
	"github.com/argoproj/notifications-engine/pkg/services"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// sent is a service that keeps the last notification.
type sent struct{ services.Notification }

func (s *sent) Send(n services.Notification, _ services.Destination) error {
	s.Notification = n
	return nil
}

// TestNotifications evaluates the triggers of argocd-notifications-cm.yaml with Argo CD's engine, and renders their templates.
func TestNotifications(t *testing.T) {
	const (
		degraded, healthy  = "on-dbscaler-policy-degraded", "on-dbscaler-policy-healthy"
		rejected, approval = "on-dbscaler-policy-rejected", "on-dbscaler-approval-required"
	)
	var config corev1.ConfigMap
	readYAML(t, filepath.Join(configDir, "argocd-notifications-cm.yaml"), &config)
	config.Data["context"] = "argocdUrl: https://argocd.example"
	parsed, err := api.ParseConfig(&config, &corev1.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	settings := notifications.GetFactorySettings(nil, "argocd-notifications-secret", "argocd-notifications-cm", false)
	vars, err := settings.InitGetVars(parsed, &config, &corev1.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := api.NewAPI(*parsed, vars)
	if err != nil {
		t.Fatal(err)
	}
	received := &sent{}
	engine.AddNotificationService("test", received)

	for _, test := range []struct {
		name, status string
		want         map[string][]string // parts of the message of each trigger
	}{
		{name: "new application", status: `{}`},
		{name: "without a policy", status: `{health: {status: Degraded}, resources: [{kind: ConfigMap, name: c}]}`},
		{name: "degraded", status: `{health: {status: Degraded}, resources: [
            {group: apps, kind: Deployment, name: d, health: {status: Healthy}},
            {group: scaling.dbscaler.io, kind: DBScalingPolicy, namespace: platform, name: good, health: {status: Healthy, message: fine}},
            {group: scaling.dbscaler.io, kind: DBScalingPolicy, namespace: platform, name: bad, health: {status: Degraded, message: "NotFound: x"}}]}`,
			want: map[string][]string{degraded: {"is not in force", "platform/bad: NotFound: x", "https://argocd.example/applications/databases"}}},
		{name: "degraded, health not in the status of the application", status: `{health: {status: Degraded}, resources: [
            {group: scaling.dbscaler.io, kind: DBScalingPolicy, namespace: platform, name: bad}]}`,
			want: map[string][]string{degraded: {"is not in force"}}},
		{name: "degraded by something else", status: `{health: {status: Degraded}, resources: [
            {group: apps, kind: Deployment, name: d, health: {status: Degraded}},
            {group: scaling.dbscaler.io, kind: DBScalingPolicy, namespace: platform, name: good, health: {status: Healthy, message: fine}}]}`},
		{name: "healthy", status: `{health: {status: Healthy}, resources: [
            {group: scaling.dbscaler.io, kind: DBScalingPolicy, namespace: platform, name: good}]}`,
			want: map[string][]string{healthy: {"are in force"}}},
		{name: "rejected", status: `{health: {status: Progressing}, operationState: {syncResult: {revision: abc, resources: [
            {group: "", kind: ConfigMap, namespace: platform, name: c, status: SyncFailed, message: no},
            {group: scaling.dbscaler.io, kind: DBScalingPolicy, namespace: platform, name: bad, status: SyncFailed, message: is invalid}]}}}`,
			want: map[string][]string{rejected: {"rejects a scaling policy", "platform/bad: is invalid"}}},
		{name: "something else rejected", status: `{health: {status: Progressing}, operationState: {syncResult: {revision: abc, resources: [
            {group: "", kind: ConfigMap, namespace: platform, name: c, status: SyncFailed, message: no}]}}}`},
		{name: "approval required", status: `{health: {status: Healthy}, resources: [
            {group: scaling.dbscaler.io, kind: DBScalingPolicy, namespace: platform, name: waits, health: {status: Healthy,
                message: "Blocked by ApprovalRequired: 2 x a to 2 x b"}}]}`,
			want: map[string][]string{healthy: {"are in force"}, approval: {"action approve", "platform/waits: Blocked by ApprovalRequired: 2 x a"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := map[string]any{"metadata": map[string]any{"name": "databases"}}
			var status map[string]any
			if err := yaml.Unmarshal([]byte(test.status), &status); err != nil {
				t.Fatal(err)
			}
			app["status"] = status
			for _, trigger := range []string{degraded, healthy, rejected, approval} {
				results, err := engine.RunTrigger(trigger, app)
				if err != nil || len(results) != 1 {
					t.Fatalf("%s: %+v, %v", trigger, results, err)
				}
				parts, want := test.want[trigger]
				if results[0].Triggered != want {
					t.Errorf("%s is %t, want %t", trigger, results[0].Triggered, want)
				}
				if !results[0].Triggered {
					continue
				}
				if err := engine.Send(app, results[0].Templates, services.Destination{Service: "test"}); err != nil {
					t.Fatal(err)
				}
				for _, part := range parts {
					if !strings.Contains(received.Message, part) {
						t.Errorf("%s sends\n%s\nwhich lacks %q", trigger, received.Message, part)
					}
				}
			}
		})
	}
	if len(parsed.Triggers) != 4 {
		t.Errorf("the ConfigMap has %d triggers, want those of this test", len(parsed.Triggers))
	}
}
