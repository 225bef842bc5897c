package main

import (
	"fmt"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	region      = "eu-west-1"
	clusterName = "clinical-engine"
	namespace   = "platform"
	policyName  = "clinical-engine"
	accountID   = "123456789012"
)

// writerLoadShare is the load of the writer as a share of the recorded load, which the readers have.
const writerLoadShare = 0.3

// newScenario returns the scenario to simulate, and the manual resize of the incident, or nil for a recording.
func newScenario(root string, s settings) (model.Scenario, *manualResize, error) {
	if s.trace == "" {
		result, err := model.LoadScenario(filepath.Join(root, "hack", "rdssim", "scenarios", "post-mortem.yaml"))
		for n := range result.Databases {
			result.Databases[n].PerformanceInsights = result.Databases[n].PerformanceInsights && !s.withoutInsights
		}
		return result, &manualResize{after: 7*time.Hour + 45*time.Minute, class: "db.r6g.2xlarge"}, err
	}
	class, err := catalog.Lookup(s.class)
	if err != nil {
		return model.Scenario{}, nil, fmt.Errorf("--class: %w", err)
	}
	path, err := filepath.Abs(s.trace)
	if err != nil {
		return model.Scenario{}, nil, err
	}
	tags := map[string]string{"dbscaler.io/policy-namespace": namespace}
	recording := func(scale float64) model.Curve {
		return model.Curve{Recording: &model.Recording{File: path, Class: s.class, Scale: scale, From: metav1.Duration{Duration: s.startOffset}}}
	}
	result := model.Scenario{
		Start: metav1.NewTime(time.Date(2024, 2, 5, 0, 0, 0, 0, time.UTC)), Seed: s.seed, AccountID: accountID,
		Databases: []model.Database{{
			Identifier: clusterName, Region: region, Engine: "aurora-postgresql", EngineVersion: "16.1", Tags: tags,
			PerformanceInsights: !s.withoutInsights,
			Instances: []model.Member{
				{Identifier: clusterName + "-1", Class: s.class, Tags: tags},
				{Identifier: clusterName + "-2", Class: s.class, Tags: tags},
			},
			Load: model.Load{Readers: recording(s.scale), Writer: recording(s.scale * writerLoadShare)},
		}},
	}
	if !class.Supports("aurora-postgresql") {
		return result, nil, fmt.Errorf("--class %s: Aurora does not offer this class; name another, for example db.r6g.large", s.class)
	}
	return result, nil, result.Validate()
}

// classLadder returns the named class and the larger ones of its family, six at most.
func classLadder(name string) ([]string, error) {
	first, err := catalog.Lookup(name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, class := range catalog.All() {
		if class.Family == first.Family && class.VCPU >= first.VCPU && class.Aurora && len(out) < 6 {
			out = append(out, class.Name)
		}
	}
	return out, nil
}
