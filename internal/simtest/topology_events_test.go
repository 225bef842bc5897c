package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// analyticsGroup is the DB parameter group of readers for analytics, which a writer must not have.
const analyticsGroup = "analytics"

// drawTopology adds parameter groups, custom endpoints and events about them to a plan. It has a random source of its own, so that the
// rest of a plan does not depend on it.
func drawTopology(seed uint64, p *runPlan) {
	r := rand.New(rand.NewPCG(seed, 3))
	p.scenario.ParameterGroups = []model.ParameterGroup{{Name: analyticsGroup, Region: region, Parameters: map[string]string{"work_mem": "1048576"}}}
	for n := range p.scenario.Databases {
		d := &p.scenario.Databases[n]
		if len(d.Instances) < 2 || d.Engine != "aurora-postgresql" || d.Serverless != nil {
			continue
		}
		for k := range d.Instances[1:] {
			if r.IntN(3) == 0 {
				d.Instances[1+k].ParameterGroup = analyticsGroup
			}
		}
		switch member := d.Instances[1+r.IntN(len(d.Instances)-1)].Identifier; r.IntN(8) {
		case 0:
			d.CustomEndpoints = []model.CustomEndpoint{{Identifier: d.Identifier + "-reports", Type: "READER", StaticMembers: []string{member}}}
		case 1:
			d.CustomEndpoints = []model.CustomEndpoint{{Identifier: d.Identifier + "-reports", ExcludedMembers: []string{member}}}
		}
	}
	if len(p.chaosEvents) > 0 && r.IntN(3) == 0 {
		p.chaosEvents = append(p.chaosEvents, topologyEvents[r.IntN(len(topologyEvents))])
	}
}

// topologyEvents are changes by people of what decides about promotions and operations.
var topologyEvents = []chaosEvent{changeParameterGroup, changeCustomEndpoint, blueGreenDeployment}

// changeParameterGroup gives an instance of a cluster another DB parameter group. Sometimes it waits for a reboot.
func changeParameterGroup(s *simulation) {
	_, i := s.pickInstance()
	if i == nil || i.Cluster == "" {
		return
	}
	group := analyticsGroup
	if i.ParameterGroup == group {
		group = "default." + i.Engine
	}
	if err := s.world.SetInstanceParameterGroup(region, i.Identifier, group); err != nil {
		return
	}
	s.logf("somebody gives %s the parameter group %s", i.Identifier, group)
	s.checker.groupChangedAt[i.Identifier] = s.now
	s.checker.deferredSince[deferredChange{stagedParameters, i.Identifier}] = s.now
	if s.random.IntN(2) == 0 {
		if changed, err := s.world.Instance(region, i.Identifier); err == nil {
			s.revertParameters(changed) // the groups differ in dynamic parameters only
		}
	}
}

// changeCustomEndpoint adds a custom endpoint with a static or an exclusion list, or deletes it.
func changeCustomEndpoint(s *simulation) {
	key, all := s.pickDatabase()
	c, err := s.world.Cluster(region, key.Name)
	if err != nil || c.InstanceClass != "" || len(all) == 0 {
		return
	}
	identifier := key.Name + "-reports"
	s.checker.endpointChangedAt[key.Name] = s.now
	if len(c.CustomEndpoints) > 0 {
		s.recordExternalChange(key, "somebody deletes the custom endpoint %s", identifier)
		s.world.DeleteCustomEndpoint(region, key.Name, identifier)
		return
	}
	e := model.CustomEndpoint{Identifier: identifier, StaticMembers: []string{all[s.random.IntN(len(all))].Identifier}}
	if s.random.IntN(3) == 0 {
		e.StaticMembers, e.ExcludedMembers = nil, e.StaticMembers
	}
	if err := s.world.SetCustomEndpoint(region, key.Name, e); err == nil {
		s.recordExternalChange(key, "somebody adds a custom endpoint with the static members %v and without %v", e.StaticMembers, e.ExcludedMembers)
	}
}

// blueGreenDeployment creates a blue/green deployment, switches it over, or deletes it.
func blueGreenDeployment(s *simulation) {
	key, _ := s.pickDatabase()
	d := s.blueGreenOf(key.Name)
	switch {
	case d == nil:
		if _, err := s.world.CreateBlueGreenDeployment(region, key.Name, "upgrade"); err == nil {
			s.logf("somebody creates a blue/green deployment of %s", key.Name)
		}
	case s.random.IntN(4) == 0:
		if err := s.world.DeleteBlueGreenDeployment(region, d.Identifier); err == nil {
			s.logf("somebody deletes the blue/green deployment of %s", key.Name)
		}
	default:
		if err := s.world.SwitchoverBlueGreenDeployment(region, d.Identifier); err == nil {
			s.recordExternalChange(key, "somebody switches %s over", key.Name)
		}
	}
}

// blueGreenOf returns the blue/green deployment of a database that is not switched over, or nil.
func (s *simulation) blueGreenOf(name string) *model.BlueGreenDeployment {
	for _, d := range s.world.BlueGreenDeployments(region) {
		if d.Status != model.BlueGreenCompleted && d.Source() == s.arnOf(name) {
			return d
		}
	}
	return nil
}

// arnOf returns the ARN of a database.
func (s *simulation) arnOf(name string) string {
	if c, err := s.world.Cluster(region, name); err == nil {
		return c.ARN()
	}
	if i, err := s.world.Instance(region, name); err == nil {
		return i.ARN()
	}
	return ""
}

// endBlueGreenDeployments deletes the blue/green deployments that are not switched over, as soon as AWS accepts it.
func (s *simulation) endBlueGreenDeployments() {
	for _, key := range s.keys {
		if d := s.blueGreenOf(key.Name); d != nil {
			_ = s.world.DeleteBlueGreenDeployment(region, d.Identifier) // refused while it is provisioned or switched over
		}
	}
}

// observeTopology adds what the operator reads about parameter groups, endpoints and deployments to an observation.
func (s *simulation) observeTopology(o *scaling.Observation, name string) {
	if d := s.blueGreenOf(name); d != nil {
		o.BlueGreen = &scaling.BlueGreenDeployment{Name: d.Name, Role: scaling.BlueRole, Status: d.Status}
	}
	c, err := s.world.Cluster(region, name)
	if err != nil {
		if i, err := s.world.Instance(region, name); err == nil {
			o.ResourceID = i.ResourceID
		}
		return
	}
	o.ResourceID = c.ResourceID
	for _, e := range c.CustomEndpoints {
		o.CustomEndpoints = append(o.CustomEndpoints, scaling.CustomEndpoint{
			Identifier: e.Identifier, StaticMembers: e.StaticMembers, ExcludedMembers: e.ExcludedMembers,
		})
	}
}

// isStaticReader reports whether a reader is in the static list of a custom endpoint.
func (s *simulation) isStaticReader(i *model.Instance) bool {
	c, err := s.world.Cluster(region, i.Cluster)
	return err == nil && c.Writer != i.Identifier && i.Tags[scaling.TagSurge] == "" && slices.ContainsFunc(c.CustomEndpoints,
		func(e model.CustomEndpoint) bool { return slices.Contains(e.StaticMembers, i.Identifier) })
}

// hasStaticReaders reports whether a database has readers that do not belong to the reader pool.
func (s *simulation) hasStaticReaders(name string) bool {
	return slices.ContainsFunc(s.world.Instances(region), func(i *model.Instance) bool { return databaseOf(i) == name && s.isStaticReader(i) })
}

// describeInstance returns an instance as the SDK does, as far as requests depend on it.
func describeInstance(i *model.Instance) types.DBInstance {
	out := types.DBInstance{
		DBInstanceIdentifier: aws.String(i.Identifier), Engine: aws.String(i.Engine), PerformanceInsightsEnabled: aws.Bool(i.PerformanceInsights),
		DBParameterGroups: []types.DBParameterGroupStatus{{DBParameterGroupName: aws.String(i.ParameterGroup)}},
	}
	return out
}

// writerOf returns the writer of a cluster, whose settings a new reader gets.
func (s *simulation) writerOf(cluster string) (*model.Instance, error) {
	c, err := s.world.Cluster(region, cluster)
	if err != nil {
		return nil, err
	}
	if c.Writer == "" {
		return nil, fmt.Errorf("%w: %s has no writer", scaling.ErrBusy, cluster)
	}
	return s.world.Instance(region, c.Writer)
}

// checkTopology requires that the writer keeps its parameter group, that readers in static lists stay in service, and that nothing but
// an emergency changes a database with a blue/green deployment. A change by somebody else may be noticed late.
func (ic *invariantChecker) checkTopology(name string, call scaling.Call, t *trackedOperation) {
	s := ic.sim
	noticed := func(at time.Time) bool { return s.now.Sub(at) > noticeDelay }
	if d := s.blueGreenOf(name); d != nil && !t.operation.Emergency && noticed(d.CreatedAt) {
		s.violationf("%s of %s is requested during the blue/green deployment of %s (%s)", call.Action, call.Instance, name, d.Status)
	}
	i, err := s.world.Instance(region, call.Instance)
	if err != nil {
		return
	}
	takesOut := call.Action == scaling.ModifyInstanceClass || call.Action == scaling.DeleteReader
	wasWriter := slices.ContainsFunc(t.operation.Steps, func(step scaling.Step) bool { return step.Action == scaling.Failover })
	if takesOut && !wasWriter && s.isStaticReader(i) && noticed(ic.endpointChangedAt[name]) {
		s.violationf("%s of %s, which is in the static list of a custom endpoint", call.Action, call.Instance)
	}
	if call.Action != scaling.Failover {
		return
	}
	writer, err := s.writerOf(name)
	if err == nil && writer.ParameterGroup != i.ParameterGroup && noticed(ic.groupChangedAt[i.Identifier]) && noticed(ic.groupChangedAt[writer.Identifier]) &&
		ic.undisturbedSince(name, s.now) {
		s.violationf("%s is promoted with the parameter group %s, and the writer of %s has %s", i.Identifier, i.ParameterGroup, name, writer.ParameterGroup)
	}
}
