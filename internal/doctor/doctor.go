// Package doctor judges whether the operator can scale the database of a policy: what it may read and change, who consents, and what AWS
// and other owners of the database allow. It only judges what others have read: it makes no requests and has no clock.
//
// Rules that the operator has are asked, not repeated: consent of package scaling, the supported targets of package decide, the windows of
// package schedule, and the guards. A guard is asked with the operation that it would have to allow.
package doctor

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Status is the result of a check.
type Status string

// The statuses.
const (
	// OK: nothing is to be done.
	OK Status = "OK"
	// Warning: the operator works, with a restriction that passes or that may be intended.
	Warning Status = "Warning"
	// Failed: the operator cannot do all that the policy asks for until a person acts.
	Failed Status = "Failed"
	// Unknown: the check could not be made.
	Unknown Status = "Unknown"
)

// Finding is the result of one check of one subject.
type Finding struct {
	// Check is the name of the check, for example tag.
	Check string `json:"check"`
	// Subject is what was checked, for example an instance or an IAM action; empty for the policy as a whole.
	Subject string `json:"subject,omitempty"`
	Status  Status `json:"status"`
	// Message says what was found.
	Message string `json:"message"`
	// Action says what to do; empty when the status is OK.
	Action string `json:"action,omitempty"`
}

// Input is everything that was read about a policy and its database.
type Input struct {
	Policy scaling.Policy
	// InvalidPolicy says why the operator does not accept the policy, or is empty. Then only the target of Policy is set.
	InvalidPolicy string
	Now           time.Time
	Access        Access
	// Reads are the results of the reads of the operator.
	Reads []Read
	// NotObserved says why the database could not be observed, or is empty.
	NotObserved string
	Observation scaling.Observation
	// MetricsError says why samples could not be read, or is empty.
	MetricsError string
	Settings     Settings
	// Permissions are the results of the simulation of what RequiredPermissions returned.
	Permissions Simulation
	// PrecedingPolicy is the name of an older policy for the same database, or empty; PoliciesUnknown says why the policies could not be
	// listed, or is empty.
	PrecedingPolicy, PoliciesUnknown string
	// Quotas are those of the account by the names of the RDS API, and QuotasUnknown says why they could not be read.
	Quotas        map[string]Quota
	QuotasUnknown string
}

// Access is the AWS identity that the policy uses, and the one that the check used.
type Access struct {
	// Account is the name of the AWSAccount; empty when the policy names none.
	Account string
	// AccountDenied says why the policy may not use it, and AccountUnknown why that could not be found out; empty when it may.
	AccountDenied, AccountUnknown string
	// RoleARN is the role that the operator assumes; empty for its own identity.
	RoleARN string
	// Caller is the ARN of the identity that ran the check, or empty with CallerError.
	Caller, CallerError string
	// RoleSession is the ARN of the session in which the role was assumed; empty when it was not.
	RoleSession string
	// RoleError says why the role could not be assumed, and RoleRefused whether AWS refused it. RoleSkipped says that it was not tried.
	RoleError                string
	RoleRefused, RoleSkipped bool
}

// IsOperator reports whether the requests of the check had the identity that the operator uses for the policy.
func (a Access) IsOperator() bool { return a.RoleSession != "" }

// UsedIdentity is the ARN of the identity with which the database was read.
func (a Access) UsedIdentity() string {
	if a.RoleSession != "" {
		return a.RoleSession
	}
	return a.Caller
}

// Read is the result of one read of the operator.
type Read struct {
	// Action is the IAM action.
	Action string
	// Denied says that AWS denied it, and Error is the text of AWS; both are empty when it was allowed.
	Denied bool
	Error  string
}

// Settings are what the database has that the observation does not state. A new reader is created with them. Empty means not known.
type Settings struct {
	SubnetGroup, ParameterGroup, OptionGroup, MonitoringRoleARN string
	// Insights says for each instance whether Performance Insights is on.
	Insights map[string]bool
}

// Quota is a quota of an account in a region.
type Quota struct{ Used, Max int }

// Diagnose makes every check, in the order in which a person should act: an account before its permissions, and these before the database.
func Diagnose(in Input) []Finding {
	var r report
	r.checkPolicy(in)
	r.checkAccount(in.Access)
	r.checkCredentials(in.Access)
	r.checkRole(in.Access)
	r.checkReads(in)
	if r.checkDatabase(in) {
		r.checkTags(in)
		r.checkPermissions(in)
		r.checkOwners(in)
		r.checkInsights(in)
		r.checkMetrics(in)
		r.checkClasses(in)
		r.checkParameters(in)
		r.checkReaders(in)
		r.checkCustomEndpoints(in)
		r.checkPromotion(in)
		r.checkBlueGreen(in)
		r.checkPending(in)
		r.checkWindows(in)
		r.checkQuotas(in)
	}
	return r.findings
}

// report collects findings.
type report struct{ findings []Finding }

func (r *report) ok(check, subject, message string) {
	r.findings = append(r.findings, Finding{Check: check, Subject: subject, Status: OK, Message: message})
}

func (r *report) add(status Status, check, subject, message, action string) {
	r.findings = append(r.findings, Finding{Check: check, Subject: subject, Status: status, Message: message, Action: action})
}

// Count returns the number of findings with a status.
func Count(findings []Finding, status Status) int {
	count := 0
	for _, f := range findings {
		if f.Status == status {
			count++
		}
	}
	return count
}
