package alarms

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Options are what a policy does not say.
type Options struct {
	// Prefix starts the name of each alarm.
	Prefix string
	// TopicARNs are the SNS topics that are notified when an alarm starts and ends.
	TopicARNs []string
	// RunbookURL is the address of the runbooks.
	RunbookURL string
	// AccountID is the AWS account of the database, or empty; AccountName the AWSAccount, or empty.
	AccountID, AccountName string
	// MultiAZCluster says that a DB cluster is a Multi-AZ DB cluster, and not an Aurora cluster.
	MultiAZCluster bool
	// Instances are the read replicas of a DB instance, or the members of a Multi-AZ DB cluster. Without the latter the names are used
	// that AWS gives them.
	Instances []string
	// MayBeStopped leaves out MetricsMissing.
	MayBeStopped bool
}

// Derive returns the alarms of a policy. The error says which input is invalid, and what to do.
func Derive(p scaling.Policy, o Options) (Set, error) {
	namespace, name, _ := strings.Cut(p.Name, "/")
	region := p.Target.Scope.Region
	set := Set{
		Policy: p, Namespace: namespace, Name: name, Region: region, AccountID: o.AccountID, AccountName: o.AccountName,
		TopicARNs: o.TopicARNs, RunbookURL: strings.TrimSuffix(o.RunbookURL, "/") + "/",
	}
	if region == "" {
		return Set{}, errors.New("the policy has no region: set spec.targetRef.region")
	}
	if !prefixPattern.MatchString(o.Prefix) {
		return Set{}, fmt.Errorf("the prefix %q has other characters than letters, digits and ._/-: remove them", o.Prefix)
	}
	if err := checkTopics(o.TopicARNs, region); err != nil {
		return Set{}, err
	}
	sources, notes, err := findSources(p, o)
	if err != nil {
		return Set{}, err
	}
	set.Notes = notes
	for _, s := range sources {
		for _, a := range s.alarms(p, o) {
			a.Name = strings.Join([]string{o.Prefix + p.Target.Identifier, a.Role, string(a.Kind)}, "-")
			a.Description = describe(&set, s, a)
			set.Alarms = append(set.Alarms, a)
		}
	}
	return set, set.check()
}

// findSources returns whose metrics the alarms watch, and notes about what they do not watch.
func findSources(p scaling.Policy, o Options) (sources []source, notes []string, err error) {
	switch {
	case p.Target.Kind == scaling.DBInstance && o.MultiAZCluster:
		return nil, nil, fmt.Errorf("the target %s is a DBInstance, and not a Multi-AZ DB cluster", p.Target.Identifier)
	case p.Target.Kind == scaling.DBInstance:
		return instanceSources(p, o.Instances)
	case o.MultiAZCluster:
		return multiAZSources(p, o.Instances)
	case len(o.Instances) > 0:
		return nil, nil, fmt.Errorf("the target %s is an Aurora cluster: its alarms watch roles, so that no instances are named",
			p.Target.Identifier)
	}
	return auroraSources(p), nil, nil
}

// auroraSources are the roles of an Aurora cluster.
func auroraSources(p scaling.Policy) []source {
	id := p.Target.Identifier
	byRole := func(metric, role, statistic string) Metric {
		return Metric{Name: metric, Statistic: statistic, Dimensions: []Dimension{{"DBClusterIdentifier", id}, {"Role", role}}}
	}
	writer := source{
		role: "writer", title: "the writer of the Aurora cluster " + id, pool: scaling.Writer, isScaled: p.Writer != nil,
		cpu: []Metric{byRole(cpuUtilization, "WRITER", "Average")}, mustReport: true,
		actions: []scaling.Action{scaling.ModifyInstanceClass, scaling.ModifyPromotionTier, scaling.Failover},
		manual: fmt.Sprintf("resize a reader with aws rds modify-db-instance --db-instance-identifier READER --db-instance-class CLASS "+
			"--apply-immediately, then promote it with aws rds failover-db-cluster --db-cluster-identifier %s "+
			"--target-db-instance-identifier READER", id),
	}
	readers := source{
		role: "readers", title: "the readers of the Aurora cluster " + id, pool: scaling.Readers, isScaled: p.Readers != nil,
		cpu: []Metric{byRole(cpuUtilization, "READER", "Average")}, actions: []scaling.Action{scaling.CreateReader},
		manual: fmt.Sprintf("aws rds create-db-instance --db-cluster-identifier %s --db-instance-identifier NAME --db-instance-class CLASS "+
			"--engine ENGINE", id),
	}
	if p.Guardrails.SurgeReaders == 0 {
		readers.actions = []scaling.Action{scaling.ModifyInstanceClass} // nothing is added before an instance is resized
	}
	sources := []source{writer, readers}
	for n := range sources {
		s := &sources[n]
		if !p.Serverless {
			s.starts = []Metric{byRole(engineUptime, "WRITER", "Minimum"), byRole(engineUptime, "READER", "Minimum")}
			continue
		}
		// All members share one capacity range, which the operator scales as the pool Writer.
		s.pool, s.isScaled, s.actions = scaling.Writer, true, []scaling.Action{scaling.ModifyCapacity}
		s.acu = []Metric{byRole(acuUtilization, []string{"WRITER", "READER"}[n], "Average")}
		s.mustReport = s.mustReport && (p.MinCapacity == nil || p.MinCapacity.Lowest > 0) // at 0 AWS may pause it
		s.manual = fmt.Sprintf("aws rds modify-db-cluster --db-cluster-identifier %s --serverless-v2-scaling-configuration "+
			"MinCapacity=MIN,MaxCapacity=MAX", id)
	}
	return sources
}

// instanceSources are a DB instance and its read replicas.
func instanceSources(p scaling.Policy, replicas []string) (sources []source, notes []string, err error) {
	id := p.Target.Identifier
	sources = []source{{
		role: "instance", title: "the DB instance " + id, pool: scaling.Writer, isScaled: p.Writer != nil,
		cpu: instanceCPU([]string{id}), mustReport: true, actions: []scaling.Action{scaling.ModifyInstanceClass},
		manual: resizeInstance(id),
	}}
	if len(replicas) == 0 {
		if p.Readers != nil {
			notes = append(notes, "There are no alarms for the read replicas: CloudWatch has no mean over them. Name them with --instance.")
		}
		return sources, notes, nil
	}
	if err := checkInstances(replicas, id, maxMetrics); err != nil {
		return nil, nil, err
	}
	if p.Readers != nil {
		sources = append(sources, source{
			role: "read-replicas", title: "the read replicas of the DB instance " + id, pool: scaling.Readers, isScaled: true,
			cpu: instanceCPU(replicas), combine: "AVG", actions: []scaling.Action{scaling.ModifyInstanceClass}, isEachWatched: true,
			manual: fmt.Sprintf("aws rds create-db-instance-read-replica --source-db-instance-identifier %s --db-instance-identifier NAME, and "+
				"tell its clients the address", id),
		})
		notes = append(notes, "Read replicas that are created later have no alarms: print them again.")
	}
	for _, replica := range replicas {
		sources = append(sources, source{
			role: "read-replica-" + replica, title: "the read replica " + replica + " of the DB instance " + id, pool: scaling.Readers,
			cpu: instanceCPU([]string{replica}), manual: resizeInstance(replica),
		})
	}
	return sources, notes, nil
}

// multiAZSources are the members of a Multi-AZ DB cluster, which are resized together.
func multiAZSources(p scaling.Policy, members []string) (sources []source, notes []string, err error) {
	id := p.Target.Identifier
	if p.Readers != nil || p.Serverless {
		return nil, nil, errors.New("a policy of a Multi-AZ DB cluster has only spec.writer: this one is for an Aurora cluster")
	}
	if len(members) == 0 {
		members = []string{id + "-instance-1", id + "-instance-2", id + "-instance-3"}
		notes = append(notes, "The members have the names that AWS gives them. If they have others, name them with --instance.")
	}
	if err := checkInstances(members, "", 3); err != nil {
		return nil, nil, err
	}
	return []source{{
		role: "members", title: "a member of the Multi-AZ DB cluster " + id, pool: scaling.Writer, isScaled: p.Writer != nil,
		cpu: instanceCPU(members), combine: "MAX", mustReport: true, actions: []scaling.Action{scaling.ModifyClusterClass},
		manual: fmt.Sprintf("aws rds modify-db-cluster --db-cluster-identifier %s --db-cluster-instance-class CLASS --apply-immediately", id),
	}}, notes, nil
}

// instancePattern matches the identifier of a DB instance (RDS API reference, CreateDBInstance).
var instancePattern = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

// checkInstances checks the names of instances. The target is not one of them.
func checkInstances(names []string, target string, limit int) error {
	if len(names) > limit {
		return fmt.Errorf("%d instances are named, and an alarm can watch %d: name those with the most load", len(names), limit)
	}
	for n, name := range names {
		switch {
		case len(name) > 63 || !instancePattern.MatchString(name):
			return fmt.Errorf("%q is not the identifier of a DB instance: set one as the RDS console shows it, in lower case", name)
		case name == target:
			return fmt.Errorf("%s is the target itself: name its read replicas", name)
		case slices.Contains(names[:n], name):
			return fmt.Errorf("%s is named twice: name each instance once", name)
		}
	}
	return nil
}

func instanceCPU(instances []string) []Metric {
	metrics := make([]Metric, len(instances))
	for n, id := range instances {
		metrics[n] = Metric{Name: cpuUtilization, Statistic: "Average", Dimensions: []Dimension{{"DBInstanceIdentifier", id}}}
	}
	return metrics
}

func resizeInstance(id string) string {
	return fmt.Sprintf("aws rds modify-db-instance --db-instance-identifier %s --db-instance-class CLASS "+
		"--apply-immediately, which restarts it", id)
}

// wholeMinutes rounds up.
func wholeMinutes(d time.Duration) int { return int((d + time.Minute - 1) / time.Minute) }
