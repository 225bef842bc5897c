package doctor

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/config/iam"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Permission is a request that the operator may make, with the values of the condition keys that AWS evaluates for it.
type Permission struct {
	// Statement is the Sid of the statement of config/iam/policy.json that allows it.
	Statement string
	Action    string
	// Resource is the ARN, and Subject its readable name.
	Resource, Subject string
	// Context are the values of the condition keys.
	Context map[string]string
}

// Simulation is the result of the simulation of permissions.
type Simulation struct {
	// Principal is the user or role that was simulated; OfOperator says that the operator uses it.
	Principal  string
	OfOperator bool
	// Permissions are what was simulated, and Decisions the results in the same order.
	Permissions []Permission
	Decisions   []string
	// Unknown says why there is no result, or is empty.
	Unknown string
}

// The decisions of IAM (IAM API reference, EvaluationResult).
const (
	allowed        = "allowed"
	explicitDenied = "explicitDeny"
)

// anyResource is the resource of actions that cannot be restricted to one.
const anyResource = "*"

// decision returns the decision about an action on a resource, or "".
func (s Simulation) decision(action, resource string) string {
	for n, p := range s.Permissions {
		if p.Action == action && p.Resource == resource && n < len(s.Decisions) {
			return s.Decisions[n]
		}
	}
	return ""
}

// The condition keys of the shipped policy (IAM user guide, "AWS global condition context keys").
const (
	resourceTagKey     = "aws:ResourceTag/"
	requestTagKey      = "aws:RequestTag/"
	passedToServiceKey = "iam:PassedToService"
	monitoringService  = "monitoring.rds.amazonaws.com"
)

// RequiredPermissions returns what the operator may request of AWS for a policy: its reads, and the changes that its kind of database and
// its limits need. The opt-in tag counts as present, since its absence is another finding.
func RequiredPermissions(p scaling.Policy, o scaling.Observation, s Settings) []Permission {
	var all []Permission
	for _, action := range readActions() {
		all = append(all, Permission{Statement: "Read", Action: action, Resource: anyResource, Subject: "all databases"})
	}
	if !o.Found {
		return all
	}
	r := requirements{policy: p, observation: o, settings: s}
	switch {
	case o.ResizedAsUnit:
		r.addClusterChange()
	default:
		r.addResizes()
	}
	if o.Kind == scaling.DBCluster && !o.ResizedAsUnit && p.Writer != nil {
		r.addFailover()
	}
	if r.addsReaders() {
		r.addReaderCreation()
	}
	return append(all, r.permissions...)
}

// requirements collects the permissions for changes.
type requirements struct {
	policy      scaling.Policy
	observation scaling.Observation
	settings    Settings
	permissions []Permission
}

func (r *requirements) add(statement, action, resource, subject string, context map[string]string) {
	r.permissions = append(r.permissions, Permission{statement, action, resource, subject, context})
}

// optedIn returns the condition values of a resource with these tags and the opt-in tag.
func (r *requirements) optedIn(tags map[string]string) map[string]string {
	context := map[string]string{resourceTagKey + scaling.TagOptIn: r.policy.Namespace}
	for key, value := range tags {
		if key != scaling.TagOptIn || r.policy.IsOptedIn(tags) {
			context[resourceTagKey+key] = value
		}
	}
	return context
}

func (r *requirements) addClusterChange() {
	o := r.observation
	r.add("ResizeOptedInCluster", "rds:ModifyDBCluster", o.ARN, r.policy.Target.Identifier, r.optedIn(o.Tags))
	for _, i := range o.Instances { // a dependent action of rds:ModifyDBCluster (Service Authorization Reference, Amazon RDS)
		r.add("ResizeOptedIn", "rds:ModifyDBInstance", i.ARN, i.Identifier, r.optedIn(i.Tags))
	}
}

// addResizes adds the change of the class of each instance of a scaled pool. In a cluster whose writer is scaled, the readers change
// their promotion tier as well.
func (r *requirements) addResizes() {
	for _, i := range r.observation.Instances {
		if i.Writer && r.policy.Writer != nil || !i.Writer && (r.policy.Readers != nil || r.observation.Kind == scaling.DBCluster) {
			r.add("ResizeOptedIn", "rds:ModifyDBInstance", i.ARN, i.Identifier, r.optedIn(i.Tags))
		}
	}
}

func (r *requirements) addFailover() {
	o := r.observation
	r.add("FailOverOptedIn", "rds:FailoverDBCluster", o.ARN, r.policy.Target.Identifier, r.optedIn(o.Tags))
	for _, i := range o.PoolInstances(scaling.Readers) {
		r.add("FailOverOptedIn", "rds:FailoverDBCluster", i.ARN, i.Identifier, r.optedIn(i.Tags))
	}
}

// addsReaders reports whether the operator may create readers: the policy scales them, or a cluster gets a surge reader.
func (r *requirements) addsReaders() bool {
	if r.observation.ResizedAsUnit {
		return false
	}
	return r.policy.Readers != nil ||
		r.observation.Kind == scaling.DBCluster && r.policy.Writer != nil && r.policy.Guardrails.SurgeReaders > 0
}

func (r *requirements) addReaderCreation() {
	o, s := r.observation, r.settings
	target := r.policy.Target.Identifier
	tags := map[string]string{
		scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagPolicy: r.policy.Name, scaling.TagOptIn: r.policy.Namespace,
	}
	created := map[string]string{}
	requested := map[string]string{}
	for key, value := range tags { // a new resource counts as having the tags of the request (IAM user guide, aws:ResourceTag)
		created[resourceTagKey+key], created[requestTagKey+key] = value, value
		requested[requestTagKey+key] = value
	}
	action, parent := "rds:CreateDBInstance", "AddReaderToOptedInCluster"
	if o.Kind == scaling.DBInstance {
		action, parent = "rds:CreateDBInstanceReadReplica", "ReplicateOptedIn"
	}
	name := target + scaling.ReaderNameInfix + "example"
	reader := r.arn("db", name)
	r.add("AddOwnReader", action, reader, name, created)
	r.add("AddOwnReader", "rds:AddTagsToResource", reader, name, created)
	source := r.optedIn(o.Tags)
	maps.Copy(source, requested)
	r.add(parent, action, o.ARN, target, source)
	groups := []struct{ kind, name string }{{"subgrp", s.SubnetGroup}}
	if o.Kind == scaling.DBCluster {
		groups = append(groups, struct{ kind, name string }{"pg", s.ParameterGroup})
	} else {
		groups = append(groups, struct{ kind, name string }{"og", s.OptionGroup})
	}
	for _, g := range groups {
		if g.name != "" {
			r.add("AddReaderWithGroups", action, r.arn(g.kind, g.name), g.name, requested)
		}
	}
	if s.MonitoringRoleARN != "" {
		r.add("AddReaderWithMonitoring", "iam:PassRole", s.MonitoringRoleARN, s.MonitoringRoleARN,
			map[string]string{passedToServiceKey: monitoringService})
	}
	r.add("RemoveOwnReader", "rds:DeleteDBInstance", reader, name, withoutRequest(created))
}

// withoutRequest returns the condition values of a resource without those of a request.
func withoutRequest(context map[string]string) map[string]string {
	out := maps.Clone(context)
	maps.DeleteFunc(out, func(key, _ string) bool { return strings.HasPrefix(key, requestTagKey) })
	return out
}

// arn returns the ARN of a resource in the account and region of the target.
func (r *requirements) arn(kind, name string) string {
	parts := strings.SplitN(r.observation.ARN, ":", 6)
	if len(parts) < 6 {
		return anyResource
	}
	return strings.Join(parts[:5], ":") + ":" + kind + ":" + name
}

// permissionGroup is the permissions of one statement and action.
type permissionGroup struct {
	statement, action string
	// subjects are all resources, and denied those for which the simulation denies the action.
	subjects, denied    []string
	isExplicit, unknown bool
}

// groups returns the permissions to change something, by statement and action, in their order.
func (s Simulation) groups() []*permissionGroup {
	var groups []*permissionGroup
	for n, p := range s.Permissions {
		if p.Statement == "Read" {
			continue
		}
		at := slices.IndexFunc(groups, func(g *permissionGroup) bool { return g.statement == p.Statement && g.action == p.Action })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &permissionGroup{statement: p.Statement, action: p.Action})
		}
		g := groups[at]
		g.subjects = append(g.subjects, p.Subject)
		switch {
		case s.Unknown != "" || n >= len(s.Decisions) || s.Decisions[n] == "":
			g.unknown = true
		case s.Decisions[n] != allowed:
			g.denied = append(g.denied, p.Subject)
			g.isExplicit = g.isExplicit || s.Decisions[n] == explicitDenied
		}
	}
	return groups
}

// checkPermissions judges each permission to change something, by simulation: a request would change something.
func (r *report) checkPermissions(in Input) {
	s := in.Permissions
	if s.Unknown != "" {
		r.add(Unknown, checkPermission, "", "permissions to change something could not be simulated: "+s.Unknown,
			"Let the caller use iam:SimulatePrincipalPolicy (config/iam/doctor.json), in the account of the role.")
	}
	var unknown []string
	for _, g := range s.groups() {
		on, denied := " on "+strings.Join(g.subjects, ", "), strings.Join(g.denied, ", ")
		subject := g.action + " (" + g.statement + ")"
		switch {
		case len(g.denied) > 0 && !s.OfOperator:
			r.add(Unknown, checkPermission, subject, "denied to you on "+denied+"; whether the operator's own identity may is not known",
				"Run the check with --operator-role and the ARN of the operator's role.")
		case g.isExplicit:
			r.add(Failed, checkPermission, subject, "explicitly denied on "+denied,
				"Find the statement with the effect Deny: in a policy of the role, its permissions boundary or a service control policy.")
		case len(g.denied) > 0:
			r.add(Failed, checkPermission, subject, "denied on "+denied+": no statement allows it",
				"Add to the policy of the role: "+shippedStatement(g.statement))
		case g.unknown && s.Unknown != "": // for all of them at once
			unknown = append(unknown, subject)
		case g.unknown:
			r.add(Unknown, checkPermission, subject, "not known"+on,
				"Compare the policy of the role with the statement "+g.statement+" of config/iam/policy.json.")
		case s.OfOperator:
			r.ok(checkPermission, subject, "allowed"+on)
		default:
			r.ok(checkPermission, subject, "allowed to you"+on)
		}
	}
	if len(unknown) > 0 {
		r.add(Unknown, checkPermission, "", "not known: "+strings.Join(unknown, ", "),
			"Compare the policy of the role with these statements of config/iam/policy.json.")
	}
}

// shippedStatement returns a statement of config/iam/policy.json in one line.
func shippedStatement(sid string) string {
	var document struct {
		Statement []json.RawMessage `json:"Statement"`
	}
	if err := json.Unmarshal(iam.PolicyJSON, &document); err == nil {
		for _, raw := range document.Statement {
			var s struct {
				Sid string `json:"Sid"`
			}
			if json.Unmarshal(raw, &s) == nil && s.Sid == sid {
				return strings.Join(strings.Fields(string(raw)), " ")
			}
		}
	}
	return "the statement " + sid + " of config/iam/policy.json"
}
