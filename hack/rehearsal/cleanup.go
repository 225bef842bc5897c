package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// resourceKind is the kind of a resource.
type resourceKind string

const (
	dbCluster  resourceKind = "DB cluster"
	dbInstance resourceKind = "DB instance"

	statusDeleting = "deleting"
)

// resource is a cluster or an instance that a rehearsal created.
type resource struct {
	kind                      resourceKind
	identifier, runID, status string
	// isMultiAZCluster says that AWS deletes the instances together with the cluster. cluster is that of an instance.
	isMultiAZCluster bool
	cluster          string
	replicas         []string
	isReplica        bool
}

// findResources returns what rehearsals created and a condition selects: clusters first, then by name.
func (t *target) findResources(ctx context.Context, isSelected func(resource) bool) ([]resource, error) {
	var out []resource
	add := func(r resource, tags []types.Tag) {
		for _, tag := range tags {
			if aws.ToString(tag.Key) == tagRun {
				r.runID = aws.ToString(tag.Value)
			}
		}
		// Both the name and the tag are required: only a rehearsal sets both.
		if strings.HasPrefix(r.identifier, namePrefix) && r.runID != "" && isSelected(r) {
			out = append(out, r)
		}
	}
	clusters := rds.NewDescribeDBClustersPaginator(t.rds, &rds.DescribeDBClustersInput{})
	for clusters.HasMorePages() {
		page, err := clusters.NextPage(ctx)
		if err != nil {
			return nil, awsx.Classify(err)
		}
		for _, c := range page.DBClusters {
			add(resource{
				kind: dbCluster, identifier: aws.ToString(c.DBClusterIdentifier), status: aws.ToString(c.Status),
				isMultiAZCluster: aws.ToString(c.DBClusterInstanceClass) != "",
			}, c.TagList)
		}
	}
	instances := rds.NewDescribeDBInstancesPaginator(t.rds, &rds.DescribeDBInstancesInput{})
	for instances.HasMorePages() {
		page, err := instances.NextPage(ctx)
		if err != nil {
			return nil, awsx.Classify(err)
		}
		for _, i := range page.DBInstances {
			add(resource{
				kind: dbInstance, identifier: aws.ToString(i.DBInstanceIdentifier), status: aws.ToString(i.DBInstanceStatus),
				cluster: aws.ToString(i.DBClusterIdentifier), replicas: i.ReadReplicaDBInstanceIdentifiers,
				isReplica: i.ReadReplicaSourceDBInstanceIdentifier != nil,
			}, i.TagList)
		}
	}
	slices.SortFunc(out, func(a, b resource) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.identifier, b.identifier))
	})
	return out, nil
}

// remove deletes what rehearsals created and a condition selects, and waits until it is gone. The error says what remains and how to
// remove it.
func (r *rehearsal) remove(ctx context.Context, isSelected func(resource) bool) error {
	ctx = withTimeLimit(ctx, r.target.clock, cleanupTimeout, "see below")
	requested := map[string]bool{}
	for {
		found, err := r.target.findResources(ctx, isSelected)
		if err == nil {
			if r.found.update(found, isSelected); len(found) == 0 {
				return nil
			}
			err = r.requestDeletions(ctx, found, requested)
		}
		if err != nil && !isTemporary(err) {
			return r.explainRemaining(r.found.list(isSelected), err)
		}
		if err := waitToPoll(ctx, r.target.clock); err != nil {
			return r.explainRemaining(r.found.list(isSelected), err)
		}
	}
}

// foundResources are the resources of rehearsals when they were last read, to say what remains when they can no longer be read.
type foundResources struct {
	mu    sync.Mutex
	known []resource
}

// update replaces the resources that a condition selects.
func (f *foundResources) update(found []resource, isSelected func(resource) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = append(slices.DeleteFunc(f.known, isSelected), found...)
}

// list returns the resources that a condition selects.
func (f *foundResources) list(isSelected func(resource) bool) []resource {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.known), func(r resource) bool { return !isSelected(r) })
}

// requestDeletions requests the deletion of each resource that can be deleted now: an instance after its read replicas, which AWS
// would promote, and an Aurora cluster after its instances.
func (r *rehearsal) requestDeletions(ctx context.Context, found []resource, requested map[string]bool) error {
	isPresent := func(matches func(resource) bool) bool { return slices.ContainsFunc(found, matches) }
	for _, item := range found {
		if item.status == statusDeleting {
			continue
		}
		var err error
		switch {
		case item.kind == dbCluster:
			hasInstances := isPresent(func(o resource) bool { return o.cluster == item.identifier && o.status != statusDeleting })
			if hasInstances && !item.isMultiAZCluster {
				continue
			}
			_, err = r.target.rds.DeleteDBCluster(ctx, &rds.DeleteDBClusterInput{
				DBClusterIdentifier: aws.String(item.identifier), SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(true),
			}, withoutRetries)
		case isPresent(func(o resource) bool { return slices.Contains(item.replicas, o.identifier) }):
			continue
		case isPresent(func(o resource) bool { return o.isMultiAZCluster && o.identifier == item.cluster }):
			continue
		default:
			in := &rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String(item.identifier), SkipFinalSnapshot: aws.Bool(true)}
			if item.cluster == "" && !item.isReplica {
				in.DeleteAutomatedBackups = aws.Bool(true)
			}
			_, err = r.target.rds.DeleteDBInstance(ctx, in, withoutRetries)
		}
		err = awsx.Classify(err)
		switch {
		case err == nil && !requested[item.identifier]:
			requested[item.identifier] = true
			fmt.Fprintf(r.out, "cleanup: deleting %s %s\n", item.kind, item.identifier)
		case err != nil && !errors.Is(err, scaling.ErrNotFound) && !errors.Is(err, scaling.ErrBusy): // busy: again at the next look
			return fmt.Errorf("%s %s cannot be deleted: %w", item.kind, item.identifier, err)
		}
	}
	return nil
}

// explainRemaining returns an error that says what remains, and the commands that remove it.
func (r *rehearsal) explainRemaining(remaining []resource, cause error) error {
	var text strings.Builder
	fmt.Fprintf(&text, "the cleanup did not finish: %v. ", cause)
	if len(remaining) == 0 {
		fmt.Fprintf(&text, "It is not known what remains. Look for names that start with %s:\n"+
			"  aws rds describe-db-instances --region %[2]s --query "+
			"\"DBInstances[?starts_with(DBInstanceIdentifier,'%[1]s')].DBInstanceIdentifier\"\n"+
			"  aws rds describe-db-clusters --region %[2]s --query "+
			"\"DBClusters[?starts_with(DBClusterIdentifier,'%[1]s')].DBClusterIdentifier\"\n",
			namePrefix, r.region)
	} else {
		text.WriteString("These remain and cost money. Remove them, the instances first:\n")
		for _, kind := range []resourceKind{dbInstance, dbCluster} {
			for _, item := range remaining {
				if item.kind == kind {
					text.WriteString("  " + item.deleteCommand(r.region) + "\n")
				}
			}
		}
	}
	fmt.Fprintf(&text, "Or run the rehearsal again with --cleanup --region %s --account %s", r.region, r.account)
	return errors.New(text.String())
}

// deleteCommand returns the command of the AWS CLI that deletes a resource.
func (r resource) deleteCommand(region string) string {
	if r.kind == dbCluster {
		return fmt.Sprintf("aws rds delete-db-cluster --region %s --db-cluster-identifier %s --skip-final-snapshot", region, r.identifier)
	}
	return fmt.Sprintf("aws rds delete-db-instance --region %s --db-instance-identifier %s --skip-final-snapshot", region, r.identifier)
}

// showLeftovers lists what earlier rehearsals left.
func (r *rehearsal) showLeftovers(leftovers []resource) {
	if len(leftovers) == 0 {
		fmt.Fprintf(r.out, "No leftovers of earlier rehearsals in %s\n", r.target.place())
		return
	}
	fmt.Fprintf(r.out, "Leftovers of earlier rehearsals in %s, which are removed first. If one of these runs is still in progress, stop "+
		"here:\n", r.target.place())
	for _, item := range leftovers {
		fmt.Fprintf(r.out, "  %s %s (%s, run %s)\n", item.kind, item.identifier, item.status, item.runID)
	}
}
