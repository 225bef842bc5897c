package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/simclock"
)

const testAccount, testRegion = "210987654321", "eu-west-1"

// simulatedAWS is a simulated AWS in the place of the real one. It has databases that no rehearsal created: one with the tag only, one
// with the name only, and one with neither.
type simulatedAWS struct {
	*rdssim.Server
	target *target
}

// bystanders are the identifiers of these databases.
var bystanders = []string{"billing", namePrefix + "0123abcd-aurora", "orders"}

// newSimulatedAWS starts a simulated AWS. wrap changes its responses; nil means no change. The IAM policy for rehearsals applies.
func newSimulatedAWS(t *testing.T, wrap func(http.Handler) http.Handler) *simulatedAWS {
	t.Helper()
	bystander := func(identifier string, tags map[string]string) model.Database {
		return model.Database{
			Identifier: identifier, Region: testRegion, Engine: "aurora-postgresql", EngineVersion: "16.1", Tags: tags,
			Instances: []model.Member{{Identifier: identifier + "-1", Class: "db.r6g.large", Tags: tags}},
		}
	}
	world, err := model.New(model.Scenario{
		Start: metav1.NewTime(simulatorStart), AccountID: testAccount, Seed: 7,
		Databases: []model.Database{
			bystander(bystanders[0], map[string]string{tagRun: "0123abcd"}), bystander(bystanders[1], nil), bystander(bystanders[2], nil),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../config/iam/rehearsal.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	clk := simclock.NewStepping(simulatorStart)
	server := rdssim.New(rdssim.Options{World: world, AccountID: testAccount, Clock: clk, Policy: policy})
	var handler http.Handler = server
	if wrap != nil {
		handler = wrap(server)
	}
	target, err := serveSimulator(t.Context(), testRegion, testAccount, handler, clk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.stop)
	return &simulatedAWS{server, target}
}

// newRehearsal returns a rehearsal with some of the databases, and what it prints.
func (a *simulatedAWS) newRehearsal(t *testing.T, only ...string) (*rehearsal, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	s := settings{
		region: testRegion, account: testAccount, only: only, fixtures: t.TempDir(), timeout: 4 * time.Hour, yes: true,
	}
	return newRehearsal(s, a.target, strings.NewReader(""), out), out
}

// clusters returns the identifiers of all clusters and standalone instances, sorted.
func (a *simulatedAWS) databases() []string {
	var out []string
	a.WithWorld(func(w *model.World) {
		for _, c := range w.Clusters(testRegion) {
			out = append(out, c.Identifier)
		}
		for _, i := range w.Instances(testRegion) {
			if i.Cluster == "" {
				out = append(out, i.Identifier)
			}
		}
	})
	slices.Sort(out)
	return out
}

// expectOnlyBystanders fails unless everything that rehearsals created is gone, and all other databases are as before.
func (a *simulatedAWS) expectOnlyBystanders(t *testing.T) {
	t.Helper()
	if got := a.databases(); !slices.Equal(got, bystanders) {
		t.Errorf("the databases %v exist, want %v", got, bystanders)
	}
	a.WithWorld(func(w *model.World) {
		for _, i := range w.Instances(testRegion) {
			if i.Status != "available" {
				t.Errorf("the instance %s, which no rehearsal created, is %s", i.Identifier, i.Status)
			}
		}
		if n := len(w.Instances(testRegion)); n != len(bystanders) {
			t.Errorf("%d instances exist, want %d", n, len(bystanders))
		}
	})
}

// cancelBefore makes a rehearsal cancel contexts before a step.
func cancelBefore(r *rehearsal, database, step string, cancels ...context.CancelFunc) {
	r.beforeStep = func(d, s string) {
		if d == database && s == step {
			for _, cancel := range cancels {
				cancel()
			}
		}
	}
}
