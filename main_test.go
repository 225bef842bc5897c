package main

import (
	"flag"
	"log/slog"
	"strings"
	"testing"
)

func TestParseFlags(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"none", nil, ""},
		{"as the deployment has them", []string{"--leader-elect", "--metrics-bind-address=:8443", "--log-level=DEBUG"}, ""},
		{"a stray argument", []string{"run"}, `unexpected argument "run"`},
		{"an unknown flag", []string{"--speed=3"}, "flag provided but not defined: -speed"},
		{"a log level that is none", []string{"--log-level=LOUD"}, "LOUD"},
		{"a ledger to replay", []string{"--replay"}, ""},
		{"no workers", []string{"--concurrency=0"}, "concurrency must be from 1 to 64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			flag.CommandLine = flag.NewFlagSet("dbscaler", flag.ContinueOnError)
			flag.CommandLine.SetOutput(t.Output())
			options, level, replay, err := parseFlags(test.args)
			switch {
			case err == nil && test.says != "":
				t.Errorf("accepted, want %q", test.says)
			case err != nil && (test.says == "" || !strings.Contains(err.Error(), test.says)):
				t.Errorf("got %v, want %q", err, test.says)
			case test.name == "as the deployment has them" && (!options.LeaderElection || level != slog.LevelDebug):
				t.Errorf("got %+v at %s", options, level)
			case test.name == "a ledger to replay" && !replay:
				t.Error("it is not replayed")
			}
		})
	}
}
