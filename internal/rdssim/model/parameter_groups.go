package model

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// ParameterGroup is a DB parameter group, or a DB cluster parameter group, with the parameters that a user has set.
type ParameterGroup struct {
	Name   string `json:"name"`
	Region string `json:"region"`
	// Cluster says that it is a DB cluster parameter group.
	Cluster bool `json:"cluster,omitempty"`
	// Parameters are the values by name, as ModifyDBParameterGroup accepts them.
	Parameters map[string]string `json:"parameters,omitempty"`
}

// defaultGroupPrefix starts the names of the parameter groups of AWS, which nobody can change.
const defaultGroupPrefix = "default."

// SetParameterGroup adds or replaces a parameter group. Its parameters apply when an instance restarts.
func (w *World) SetParameterGroup(g ParameterGroup) error {
	if err := g.validate(); err != nil {
		return err
	}
	g.Parameters = maps.Clone(g.Parameters)
	if w.parameterGroups == nil {
		w.parameterGroups = map[string]ParameterGroup{}
	}
	w.parameterGroups[parameterGroupKey(g.Region, g.Name, g.Cluster)] = g
	return nil
}

func parameterGroupKey(region, name string, isCluster bool) string {
	return fmt.Sprintf("%s/%t/%s", region, isCluster, name)
}

func (g ParameterGroup) validate() error {
	if g.Name == "" || strings.HasPrefix(g.Name, defaultGroupPrefix) || g.Region == "" {
		return fmt.Errorf("parameterGroups: name %q in region %q: want a name that does not start with %q, and a region", g.Name, g.Region,
			defaultGroupPrefix)
	}
	return nil
}

// Parameters returns the parameters that a user has set in a group: DescribeDBParameters, or DescribeDBClusterParameters, with the
// source user. The error is an *APIError.
func (w *World) Parameters(region, name string, isCluster bool) (map[string]string, error) {
	if strings.HasPrefix(name, defaultGroupPrefix) {
		return nil, nil
	}
	group, exists := w.parameterGroups[parameterGroupKey(region, name, isCluster)]
	if !exists && isCluster {
		return nil, &APIError{"DBClusterParameterGroupNotFound", "DBClusterParameterGroup not found: " + name, 404}
	}
	if !exists {
		return nil, &APIError{"DBParameterGroupNotFound", "DBParameterGroup not found: " + name, 404}
	}
	return group.Parameters, nil
}

// SetInstanceParameterGroup is ModifyDBInstance with DBParameterGroupName: the group is pending-reboot until the instance restarts.
// The error is an *APIError.
func (w *World) SetInstanceParameterGroup(region, instance, group string) error {
	s, err := w.findInstance(region, instance)
	if err == nil {
		_, err = w.Parameters(region, group, false)
	}
	switch {
	case err != nil:
		return err
	case !s.acceptsChanges():
		return instanceNotAvailable()
	case s.ParameterGroup != group:
		s.ParameterGroup, s.ParameterStatus = group, ParametersPendingReboot
	}
	return nil
}

// memoryShare is the share of a class's memory that RDS leaves to the engine.
const memoryShare = 0.95

// parametersDoNotFit reports whether the page cache, set to a fixed size, is larger than the memory of an instance, so that the engine
// does not start and RDS shows incompatible-parameters (RDS user guide, "Diagnosing and resolving incompatible parameters status").
// A formula follows the class and fits.
func (w *World) parametersDoNotFit(s *instanceState) bool {
	values := map[string]string{}
	if c := s.group.cluster; c != nil {
		if cluster, err := w.Parameters(s.Region, c.ParameterGroup, true); err == nil {
			maps.Copy(values, cluster)
		}
	}
	if own, err := w.Parameters(s.Region, s.ParameterGroup, false); err == nil {
		maps.Copy(values, own)
	}
	class, err := catalog.Lookup(s.Class)
	if err != nil {
		return false // Serverless v2
	}
	for name, unit := range map[string]float64{"shared_buffers": 8192, "innodb_buffer_pool_size": 1} {
		if size, err := strconv.ParseFloat(values[name], 64); err == nil && size*unit > memoryShare*float64(class.MemoryBytes) {
			return true
		}
	}
	return false
}

// becomeIncompatible takes an instance out of service whose parameters do not fit its new class.
func (w *World) becomeIncompatible(s *instanceState) {
	s.Status, s.changeInProgress = "incompatible-parameters", true
	s.beginOutage()
	w.recordInstanceEvent(s, "failure",
		"DB instance put into incompatible-parameters. Your database cannot be started with the current parameters.")
	if s.group.cluster != nil && s.isWriter() {
		w.replaceWriter(s.group)
	}
}

// validateParameterGroups checks the parameter groups of a scenario, and that databases name only those.
func (s Scenario) validateParameterGroups() error {
	known := map[string]bool{}
	var problems []error
	for _, g := range s.ParameterGroups {
		problems = append(problems, g.validate())
		known[parameterGroupKey(g.Region, g.Name, g.Cluster)] = true
	}
	check := func(region, name string, isCluster bool) {
		if name != "" && !strings.HasPrefix(name, defaultGroupPrefix) && !known[parameterGroupKey(region, name, isCluster)] {
			problems = append(problems, fmt.Errorf("parameter group %q: want one of parameterGroups", name))
		}
	}
	for _, d := range s.Databases {
		check(d.Region, d.ParameterGroup, false)
		check(d.Region, d.ClusterParameterGroup, true)
		for _, m := range d.allInstances() {
			check(d.Region, m.ParameterGroup, false)
		}
	}
	return errors.Join(problems...)
}

// initialParameterGroup returns the DB parameter group of an instance of the scenario.
func initialParameterGroup(d Database, m Member) string {
	return cmp.Or(m.ParameterGroup, d.ParameterGroup, defaultGroupPrefix+d.Engine)
}
