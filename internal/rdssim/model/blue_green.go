package model

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// The statuses of a blue/green deployment (RDS API reference, BlueGreenDeployment).
const (
	BlueGreenProvisioning  = "PROVISIONING"
	BlueGreenAvailable     = "AVAILABLE"
	BlueGreenSwitchingOver = "SWITCHOVER_IN_PROGRESS"
	BlueGreenCompleted     = "SWITCHOVER_COMPLETED"

	minProvisionDuration, maxProvisionDuration   = 15 * time.Minute, 30 * time.Minute
	minSwitchoverDuration, maxSwitchoverDuration = 30 * time.Second, time.Minute
)

// BlueGreenDeployment is a blue/green deployment of a database.
type BlueGreenDeployment struct {
	Identifier, Name, Region, AccountID, Status string
	CreatedAt                                   time.Time
	blue, green                                 *instanceGroup
	// pairs are the instances of both environments.
	pairs []instancePair
}

type instancePair struct{ blue, green *instanceState }

// arn returns the ARN of a database.
func (g *instanceGroup) arn() string {
	if g.cluster != nil {
		return g.cluster.ARN()
	}
	for _, s := range g.instances {
		if s.ReplicationSource == "" {
			return s.ARN()
		}
	}
	return ""
}

// Source returns the ARN of the blue database, and Target that of the green one.
func (d *BlueGreenDeployment) Source() string { return d.blue.arn() }

// Target returns the ARN of the green database.
func (d *BlueGreenDeployment) Target() string { return d.green.arn() }

// Members returns the ARNs of the instances of both environments, in pairs of blue and green.
func (d *BlueGreenDeployment) Members() [][2]string {
	var out [][2]string
	for _, p := range d.pairs {
		out = append(out, [2]string{p.blue.ARN(), p.green.ARN()})
	}
	return out
}

// BlueGreenDeployments returns those of a region, in the order of creation.
func (w *World) BlueGreenDeployments(region string) []*BlueGreenDeployment {
	var out []*BlueGreenDeployment
	for _, d := range w.blueGreen {
		if d.Region == region {
			out = append(out, d)
		}
	}
	return out
}

// CreateBlueGreenDeployment copies a database to a green environment, whose names end in -green- and a random suffix. The error is an
// *APIError.
func (w *World) CreateBlueGreenDeployment(region, source, name string) (*BlueGreenDeployment, error) {
	g, found := w.findGroup(region, source)
	exists := slices.ContainsFunc(w.blueGreen, func(d *BlueGreenDeployment) bool {
		return d.blue == g && d.Status != BlueGreenCompleted
	})
	switch {
	case !found:
		return nil, &APIError{"DBInstanceNotFound", fmt.Sprintf("DBInstance %s not found.", source), 404}
	case exists:
		return nil, &APIError{"BlueGreenDeploymentAlreadyExistsFault",
			"A blue/green deployment already exists for the source " + g.arn() + ".", 400}
	case g.isBusy():
		return nil, instanceNotAvailable()
	case g.cluster != nil && g.cluster.InstanceClass != "":
		return nil, &APIError{"SourceClusterNotSupportedFault", "The source DB cluster isn't supported for a blue/green deployment.", 400}
	}
	suffix := fmt.Sprintf("-green-%06x", w.random.Uint32()&0xffffff)
	green := &instanceGroup{
		region: region, identifier: source + suffix, costFactor: 1, noiseSource: g.noiseSource, newReplicaWeight: g.newReplicaWeight,
	}
	d := &BlueGreenDeployment{
		Identifier: w.newResourceID("bgd"), Name: name, Region: region, Status: BlueGreenProvisioning, CreatedAt: w.now, blue: g, green: green,
	}
	w.addGroup(green)
	if g.cluster != nil {
		c := g.cluster.copy()
		c.Identifier, c.ResourceID, c.Members, c.CreatedAt = green.identifier, w.newResourceID("cluster"), nil, w.now
		c.CustomEndpoints = nil // they move with the name
		green.cluster, d.AccountID = c, c.AccountID
		c.Writer += suffix
		w.clusters[region+"/"+c.Identifier] = c
		w.forgetListings()
	}
	for _, s := range slices.Clone(g.instances) {
		d.AccountID = s.AccountID
		d.pairs = append(d.pairs, instancePair{s, w.addGreenInstance(green, s, suffix)})
	}
	w.blueGreen = append(w.blueGreen, d)
	w.schedule(w.drawDuration(minProvisionDuration, maxProvisionDuration), func() {
		for _, p := range d.pairs {
			w.completeCreate(p.green)
		}
		if d.Status == BlueGreenProvisioning {
			d.Status = BlueGreenAvailable
			w.recordBlueGreenEvent(d, "creation", "Blue/green deployment tasks completed. You can make more modifications to the green "+
				"environment databases or switch over the deployment.")
		}
	})
	return d, nil
}

// addGreenInstance adds the copy of an instance to the green environment.
func (w *World) addGreenInstance(green *instanceGroup, s *instanceState, suffix string) *instanceState {
	copied := s.Instance
	copied.Identifier, copied.ResourceID = s.Identifier+suffix, w.newResourceID("db")
	copied.Status, copied.CreatedAt = statusCreating, time.Time{}
	copied.Tags, copied.PendingChanges = maps.Clone(s.Tags), PendingChanges{}
	if copied.Cluster != "" {
		copied.Cluster = green.identifier
	}
	if copied.ReplicationSource != "" {
		copied.ReplicationSource = green.identifier
	}
	state := &instanceState{Instance: copied, group: green, outageCount: 1, clientWeight: s.clientWeight}
	w.addInstance(state)
	return state
}

// SwitchoverBlueGreenDeployment gives the green environment the names and the load of the blue one, whose names then end in -old1.
// ARNs follow the names; resource IDs stay with the instances. The error is an *APIError.
func (w *World) SwitchoverBlueGreenDeployment(region, identifier string) error {
	n := slices.IndexFunc(w.blueGreen, func(d *BlueGreenDeployment) bool { return d.Region == region && d.Identifier == identifier })
	if n < 0 {
		return &APIError{"BlueGreenDeploymentNotFoundFault", fmt.Sprintf("BlueGreenDeployment %s not found.", identifier), 404}
	}
	d := w.blueGreen[n]
	if d.Status != BlueGreenAvailable || d.blue.isBusy() || d.green.isBusy() {
		return &APIError{"InvalidBlueGreenDeploymentStateFault",
			fmt.Sprintf("The blue/green deployment %s can't be switched over in its current state (%s).", identifier, d.Status), 400}
	}
	d.Status = BlueGreenSwitchingOver
	w.recordBlueGreenEvent(d, "notification", fmt.Sprintf("Switchover from %s to %s started.", d.blue.identifier, d.green.identifier))
	w.schedule(w.drawDuration(minSwitchoverDuration, maxSwitchoverDuration), func() { w.completeSwitchover(d) })
	return nil
}

func (w *World) completeSwitchover(d *BlueGreenDeployment) {
	name, names := d.blue.identifier, map[*instanceState]string{}
	for _, p := range d.pairs {
		names[p.green] = p.blue.Identifier
	}
	w.renameGroup(d.blue, name+"-old1", func(s *instanceState) string { return s.Identifier + "-old1" })
	w.renameGroup(d.green, name, func(s *instanceState) string {
		if blue, known := names[s]; known {
			return blue
		}
		return s.Identifier
	})
	blue, green := d.blue, d.green
	green.writer, green.readers, green.endpointDemands = blue.writer, blue.readers, blue.endpointDemands
	green.costFactor, green.minutes, green.noiseSource = blue.costFactor, blue.minutes, blue.noiseSource
	green.io = blue.io
	blue.writer, blue.readers, blue.endpointDemands, blue.minutes, blue.io = pool{}, pool{}, nil, nil, IOWorkload{}
	if blue.cluster != nil {
		green.cluster.CustomEndpoints, blue.cluster.CustomEndpoints = blue.cluster.CustomEndpoints, nil
	}
	d.Status = BlueGreenCompleted
	w.recordBlueGreenEvent(d, "notification", "Switchover completed on blue/green deployment.")
}

// renameGroup renames a database and its instances.
func (w *World) renameGroup(g *instanceGroup, identifier string, rename func(*instanceState) string) {
	if c := g.cluster; c != nil {
		delete(w.clusters, g.region+"/"+c.Identifier)
		c.Identifier, c.Members = identifier, nil
		w.clusters[g.region+"/"+identifier] = c
	}
	writer := ""
	for _, s := range g.instances {
		if g.cluster != nil && g.cluster.Writer == s.Identifier {
			writer = rename(s)
		}
	}
	for _, s := range g.instances {
		delete(w.instances, g.region+"/"+s.Identifier)
		s.Identifier = rename(s)
		w.instances[g.region+"/"+s.Identifier] = s
		if g.cluster != nil {
			s.Cluster, g.cluster.Members = identifier, append(g.cluster.Members, s.Identifier)
		} else if s.ReplicationSource != "" {
			s.ReplicationSource = identifier
		}
	}
	if g.cluster != nil {
		g.cluster.Writer = writer
	}
	g.identifier, w.groupsByName = identifier, nil
	w.forgetListings()
}

// DeleteBlueGreenDeployment deletes a deployment that is not being switched over, with its green environment if that is not in
// production. The error is an *APIError.
func (w *World) DeleteBlueGreenDeployment(region, identifier string) error {
	n := slices.IndexFunc(w.blueGreen, func(d *BlueGreenDeployment) bool { return d.Region == region && d.Identifier == identifier })
	if n < 0 {
		return &APIError{"BlueGreenDeploymentNotFoundFault", fmt.Sprintf("BlueGreenDeployment %s not found.", identifier), 404}
	}
	d := w.blueGreen[n]
	if d.Status == BlueGreenSwitchingOver || d.Status == BlueGreenProvisioning {
		return &APIError{"InvalidBlueGreenDeploymentStateFault",
			fmt.Sprintf("The blue/green deployment %s can't be deleted in its current state (%s).", identifier, d.Status), 400}
	}
	w.blueGreen = slices.Delete(w.blueGreen, n, n+1)
	w.recordBlueGreenEvent(d, "deletion", "Blue/green deployment deleted.")
	if d.Status == BlueGreenCompleted {
		return nil
	}
	for _, s := range slices.Clone(d.green.instances) {
		delete(w.instances, region+"/"+s.Identifier)
	}
	if d.green.cluster != nil {
		delete(w.clusters, region+"/"+d.green.identifier)
	}
	d.green.instances = nil
	w.removeGroup(d.green)
	w.forgetListings()
	return nil
}

// SetGlobalRole makes an Aurora cluster part of a global database: as the primary, or as a secondary, which has no writer. An empty
// global cluster detaches it. It returns an error if there is no such cluster.
func (w *World) SetGlobalRole(region, cluster, globalCluster string, isSecondary bool) error {
	c, err := w.findCluster(region, cluster)
	if err != nil {
		return err
	}
	c.GlobalCluster, c.GlobalSecondary = globalCluster, globalCluster != "" && isSecondary
	return nil
}

// scheduleBlueGreen schedules the blue/green deployments of a database of the scenario.
func (w *World) scheduleBlueGreen(d Database) {
	start := w.scenario.Start.Time
	for _, b := range d.BlueGreen {
		var created *BlueGreenDeployment
		w.schedule(b.At.sinceStart(start), func() { created, _ = w.CreateBlueGreenDeployment(d.Region, d.Identifier, b.Name) })
		if b.Switchover != nil {
			w.schedule(b.Switchover.sinceStart(start), func() {
				if created != nil {
					_ = w.SwitchoverBlueGreenDeployment(d.Region, created.Identifier) // refused while an instance is busy
				}
			})
		}
	}
}
