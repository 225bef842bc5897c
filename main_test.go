package main

import (
	"flag"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/operator"
)

func TestParseFlags(t *testing.T) {
	for _, test := range []struct {
		name         string
		args         []string
		wantContains string
	}{
		{"no flags", nil, ""},
		{"flags of the deployment", []string{"--leader-elect", "--metrics-bind-address=:8443", "--log-level=DEBUG"}, ""},
		{"unexpected argument", []string{"run"}, `unexpected argument "run"`},
		{"unknown flag", []string{"--speed=3"}, "flag provided but not defined: -speed"},
		{"unknown log level", []string{"--log-level=LOUD"}, "LOUD"},
		{"name of the cluster", []string{"--cluster-name=prod", "--require-account"}, ""},
		{"name of the cluster that RDS refuses in a tag", []string{"--cluster-name=prod*"}, `cluster-name: the name of the cluster is "prod*"`},
		{"concurrency of 0", []string{"--concurrency=0"}, "concurrency must be from 1 to 64"},
		{"shard by the name of the pod", []string{"--total-shards=3"}, ""},
		{"shard that does not exist", []string{"--total-shards=3", "--shard=3"}, "--shard must be from 0 to 2"},
		{"notifications", []string{
			"--notification-url=https://relay.example", "--notification-hmac-key-file=/key", "--notification-event-bus=platform",
			"--notification-sns-topic-arn=arn:aws:sns:eu-west-1:123456789012:dbscaler",
		}, ""},
		{"notifications without TLS", []string{"--notification-url=http://relay.example"}, "--notification-allow-http"},
		{"watched policies", []string{"--watch-namespaces=a,b", "--watch-label-selector=team=payments"}, ""},
		{"watched namespaces without a name", []string{"--watch-namespaces="}, `"" is not the name of a namespace`},
	} {
		t.Run(test.name, func(t *testing.T) {
			flag.CommandLine = flag.NewFlagSet("dbscaler", flag.ContinueOnError)
			flag.CommandLine.SetOutput(t.Output())
			t.Setenv("POD_NAME", "dbscaler-1")
			options, level, err := parseFlags(test.args)
			switch {
			case err == nil && test.wantContains != "":
				t.Errorf("accepted, want an error with %q", test.wantContains)
			case err != nil && (test.wantContains == "" || !strings.Contains(err.Error(), test.wantContains)):
				t.Errorf("got error %v, want %q in it", err, test.wantContains)
			case test.name == "flags of the deployment" && (!options.LeaderElection || level != slog.LevelDebug):
				t.Errorf("got %+v at level %s, want leader election at DEBUG", options, level)
			case test.name == "name of the cluster" && (options.ClusterName != "prod" || !options.RequireAccount):
				t.Errorf("got %+v, want the name prod and required accounts", options)
			case test.name == "shard by the name of the pod" && (options.PodName != "dbscaler-1" || options.Shard != -1 || options.TotalShards != 3):
				t.Errorf("got %+v, want three shards and the shard of the pod", options)
			case test.name == "watched policies" && (!slices.Equal(options.WatchNamespaces, []string{"a", "b"}) || options.WatchLabelSelector != "team=payments"):
				t.Errorf("got %+v, want the namespaces a and b and the selector", options)
			case test.name == "notifications" && options.Notifications != operator.Notifications{
				URL: "https://relay.example", KeyFile: "/key", EventBus: "platform", TopicARN: "arn:aws:sns:eu-west-1:123456789012:dbscaler",
			}:
				t.Errorf("got %+v", options.Notifications)
			}
		})
	}
}

// TestBuildVersion_OfTheLinker checks that the version of a release takes precedence over the one that Go reads from git.
func TestBuildVersion_OfTheLinker(t *testing.T) {
	if buildVersion() == "" {
		t.Error("no version without the linker's")
	}
	version = "v1.2.3"
	t.Cleanup(func() { version = "" })
	flag.CommandLine = flag.NewFlagSet("dbscaler", flag.ContinueOnError)
	if options, _, err := parseFlags(nil); err != nil || options.Version != "v1.2.3" {
		t.Errorf("got version %q, %v", options.Version, err)
	}
}
