package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// checkDatabase checks that the database exists and that the policy can scale a database of its kind. It returns false when there is
// nothing further to check.
func (r *report) checkDatabase(in Input) bool {
	o := in.Observation
	subject := string(in.Policy.Target.Kind) + " " + in.Policy.Target.Identifier
	if in.NotObserved != "" {
		r.add(Unknown, checkDatabase, subject, "it could not be read, so that nothing about it is checked: "+in.NotObserved,
			"Solve the findings above and run the check again.")
		return false
	}
	if hold := decide.CheckTarget(in.Policy, o); hold.Reason != "" && in.InvalidPolicy == "" {
		message, action := splitAdvice(hold.Message)
		if action == "" {
			action = "Correct spec.targetRef, or change the database as the message says."
		}
		r.add(Failed, checkDatabase, subject, message, action)
		return o.Found
	}
	if in.InvalidPolicy != "" && !o.Found {
		r.add(Failed, checkDatabase, subject, "it does not exist in "+in.Policy.Target.Scope.String(), "Correct spec.targetRef.")
		return false
	}
	message := fmt.Sprintf("%s %s, %d instances, %s", o.Engine, o.EngineVersion, len(o.Instances), o.Status)
	if text, _ := veto(in, "DatabaseBusy", scaling.Proposal{}); text != "" {
		text, action := splitAdvice(text)
		if action == "" {
			action = "Run the check again when the database is available."
		}
		r.add(Warning, checkDatabase, subject, text, action)
		return true
	}
	r.ok(checkDatabase, subject, message)
	return true
}

// checkTags checks the consent of the owner: the opt-in tag on the database and on each instance. Instances that the operator created
// need none.
func (r *report) checkTags(in Input) {
	o := in.Observation
	r.checkTag(in, in.Policy.Target.Identifier, o.ARN, o.Tags)
	for _, i := range o.Instances {
		switch {
		case i.ARN == o.ARN:
		case i.CreatedByOperator():
			r.ok(checkTag, i.Identifier, "the operator created it, so that it needs no opt-in tag")
		default:
			r.checkTag(in, i.Identifier, i.ARN, i.Tags)
		}
	}
}

func (r *report) checkTag(in Input, subject, arn string, tags map[string]string) {
	value, exists := tags[scaling.TagOptIn]
	namespace, cluster, named := strings.Cut(value, "@")
	wanted := in.Policy.Namespace
	if named && in.Policy.Cluster != "" { // the owner names clusters
		wanted += "@" + in.Policy.Cluster
	}
	set := fmt.Sprintf("Set it, if the owner of the database consents: aws rds add-tags-to-resource --region %s --resource-name %s --tags "+
		"Key=%s,Value=%s", in.Policy.Target.Scope.Region, arn, scaling.TagOptIn, wanted)
	switch {
	case in.Policy.IsOptedIn(tags):
		r.ok(checkTag, subject, scaling.TagOptIn+"="+value)
	case !exists:
		r.add(Failed, checkTag, subject, "the AWS tag "+scaling.TagOptIn+" is missing, so that the operator may not change it", set)
	case named && namespace == in.Policy.Namespace && in.Policy.Cluster == "":
		r.add(Unknown, checkTag, subject, fmt.Sprintf("%s=%s allows only the operator of the cluster %q", scaling.TagOptIn, value, cluster),
			"Run the check with --cluster-name and the name that the operator has in its flag --cluster-name.")
	default:
		r.add(Failed, checkTag, subject, fmt.Sprintf("%s=%s does not allow the namespace %s%s", scaling.TagOptIn, value, in.Policy.Namespace,
			inCluster(in.Policy.Cluster)), set)
	}
}

func inCluster(name string) string {
	if name == "" {
		return ""
	}
	return " of the cluster " + name
}

// checkOwners checks who else changes the database: another operator, an older policy, objects of ACK and Crossplane, and Aurora Auto
// Scaling.
func (r *report) checkOwners(in Input) {
	before := len(r.findings)
	o := in.Observation
	if n := slices.IndexFunc(o.Instances, func(i scaling.Instance) bool { return i.OtherCluster != "" }); n >= 0 {
		i := o.Instances[n]
		status, action := Failed, fmt.Sprintf("Set %s to %s@CLUSTER with the cluster that shall scale it, and remove the readers of the "+
			"other one.", scaling.TagOptIn, in.Policy.Namespace)
		if in.Policy.Cluster == "" {
			status, action = Unknown, "Run the check with --cluster-name and the name that the operator has in its flag --cluster-name."
		}
		r.add(status, checkOwner, i.Identifier, fmt.Sprintf("the operator of the cluster %q created it (%s)", i.OtherCluster,
			scaling.TagOperatedBy), action)
	}
	switch {
	case in.PoliciesUnknown != "":
		r.add(Unknown, checkOwner, "", "other policies could not be listed: "+in.PoliciesUnknown,
			"Run the check as a user who may list dbscalingpolicies in all namespaces.")
	case in.PrecedingPolicy != "":
		r.add(Failed, checkOwner, in.PrecedingPolicy, "this policy scales the same database and is older, so that yours changes nothing",
			"Delete one of the two policies.")
	}
	if o.OwnershipConflict != "" {
		message, action := splitAdvice(o.OwnershipConflict)
		r.add(Failed, checkOwner, "", message, action)
	}
	r.checkDeclarations(in)
	r.checkAutoScaling(in)
	if len(r.findings) == before {
		r.ok(checkOwner, "", "no other policy, operator, ACK or Crossplane object, nor Aurora Auto Scaling changes the instances")
	}
}

// checkDeclarations asks the guard DeclaredElsewhere about each instance of a scaled pool, for a class that no object declares.
func (r *report) checkDeclarations(in Input) {
	if in.Observation.DeclarationsUnknown != "" {
		r.add(Unknown, checkOwner, "", "the objects of ACK and Crossplane could not be listed: "+in.Observation.DeclarationsUnknown,
			"Run the check as a user who may list them.")
		return
	}
	for _, pool := range poolOrder {
		if _, scaled := scaledPools(in)[pool]; !scaled {
			continue
		}
		for _, i := range in.Observation.PoolInstances(pool) {
			step := scaling.Step{Action: scaling.ModifyInstanceClass, Instance: i.Identifier, InstanceClass: "another class"}
			message, unknown := veto(in, "DeclaredElsewhere", proposalFor(pool, in.Observation, step.InstanceClass), step)
			r.addVeto(Failed, checkOwner, i.Identifier, message, unknown, "See docs/gitops.md.")
		}
	}
}

// checkAutoScaling asks the guard ReaderAutoScaling about another number of readers, where the policy allows one.
func (r *report) checkAutoScaling(in Input) {
	limits := in.Policy.Readers
	if limits == nil || limits.Min == limits.Max {
		return
	}
	proposal := proposalFor(scaling.Readers, in.Observation, "")
	proposal.To.Count++
	message, unknown := veto(in, "ReaderAutoScaling", proposal)
	r.addVeto(Warning, checkOwner, "Aurora Auto Scaling", message, unknown, "See docs/gitops.md.")
}
