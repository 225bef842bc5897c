package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The names of the checks.
const (
	checkPolicy          = "policy"
	checkAccount         = "account"
	checkCredentials     = "credentials"
	checkRole            = "role"
	checkRead            = "read"
	checkDatabase        = "database"
	checkTag             = "tag"
	checkPermission      = "permission"
	checkOwner           = "owner"
	checkInsights        = "insights"
	checkMetrics         = "metrics"
	checkClass           = "class"
	checkParameters      = "parameters"
	checkReaders         = "readers"
	checkCustomEndpoints = "custom endpoint"
	checkPromotion       = "promotion"
	checkBlueGreen       = "blue/green"
	checkPending         = "pending"
	checkWindows         = "windows"
	checkQuota           = "quota"
)

func (r *report) checkPolicy(in Input) {
	if in.InvalidPolicy != "" {
		r.add(Failed, checkPolicy, "", "the operator does not accept the policy: "+in.InvalidPolicy, "Correct the policy as the message says.")
		return
	}
	if reason := in.Policy.ManualControl.InvalidReason; reason != "" {
		r.add(Failed, checkPolicy, "", "an annotation is invalid, which pauses the policy: "+reason, "Correct or remove the annotation.")
		return
	}
	if control := in.Policy.ManualControl; control.IsPaused(in.Now) {
		r.add(Warning, checkPolicy, "", "the policy is paused until "+control.PauseEnd(),
			"Resume it when the pause is no longer needed: "+scaling.PluginCommand(in.Policy.Name, "resume")+".")
		return
	}
	r.ok(checkPolicy, "", fmt.Sprintf("the operator accepts it; its mode is %s", in.Policy.Mode))
}

// checkAccount checks that the policy may use its AWSAccount.
func (r *report) checkAccount(a Access) {
	switch {
	case a.Account == "" && a.AccountDenied != "":
		message, action := splitAdvice(a.AccountDenied)
		r.add(Failed, checkAccount, "", message, action)
	case a.Account == "":
		r.ok(checkAccount, "", "the policy names no AWSAccount, so the operator uses its own identity")
	case a.AccountUnknown != "":
		r.add(Unknown, checkAccount, a.Account, "the AWSAccount could not be read: "+a.AccountUnknown,
			"Run the check as a user who may get awsaccounts and namespaces.")
	case a.AccountDenied != "":
		message, action := splitAdvice(a.AccountDenied)
		r.add(Failed, checkAccount, a.Account, message, strings.TrimSuffix(action, ".")+": kubectl edit awsaccount "+a.Account)
	default:
		r.ok(checkAccount, a.Account, "the namespace and the region may use it")
	}
}

// checkCredentials says as whom the check ran.
func (r *report) checkCredentials(a Access) {
	if a.CallerError != "" {
		r.add(Failed, checkCredentials, "", "AWS does not accept the credentials of this check: "+a.CallerError,
			"Set credentials, for example AWS_PROFILE, and check them with: aws sts get-caller-identity")
		return
	}
	r.ok(checkCredentials, "", "the check runs as "+a.Caller)
}

// checkRole checks that the role of the AWSAccount can be assumed with its external ID.
func (r *report) checkRole(a Access) {
	const trust = "Compare the trust policy of the role with config/iam/trust-member-account.json (principal, sts:ExternalId, " +
		"sts:TagSession), and the operator's own policy with config/iam/assume-member-role.json"
	switch {
	case a.RoleARN == "" || a.CallerError != "":
	case a.RoleSkipped:
		r.add(Unknown, checkRole, a.RoleARN, "it was not assumed, as --assume-role=false says", "Run the check without --assume-role=false.")
	case a.RoleSession != "":
		r.ok(checkRole, a.RoleARN, "it can be assumed with the external ID of the AWSAccount")
	case a.RoleRefused:
		r.add(Unknown, checkRole, a.RoleARN, "you may not assume it; whether the operator may is not known: "+a.RoleError,
			trust+". To check with the role, let its trust policy name "+a.Caller+" for the time of the check.")
	default:
		r.add(Failed, checkRole, a.RoleARN, "it cannot be assumed: "+a.RoleError, trust+".")
	}
}

// missingRead is what the operator does without a permission to read, and how bad that is.
type missingRead struct {
	status Status
	effect string
}

// withoutRead says what the operator does without each permission to read (docs/installing.md).
var withoutRead = map[string]missingRead{
	"rds:DescribeDBClusters":                 {Failed, "the operator sees no database"},
	"rds:DescribeDBInstances":                {Failed, "the operator sees no database"},
	"rds:DescribeOrderableDBInstanceOptions": {Failed, "no instance class is used"},
	"rds:DescribePendingMaintenanceActions":  {Failed, "nothing is changed"},
	"cloudwatch:GetMetricData":               {Failed, "no load is known"},
	"rds:DescribeBlueGreenDeployments":       {Failed, "only emergencies are served"},
	"rds:DescribeDBClusterEndpoints": {
		Warning, "in a cluster with custom endpoints no reader is promoted, resized or removed",
	},
	"rds:DescribeEvents": {
		Warning, "the first scale-up of a policy waits for samples since the policy was applied",
	},
	"rds:DescribeDBParameters": {
		Warning, "no class with less memory is chosen for instances with a parameter group of your own",
	},
	"rds:DescribeDBClusterParameters": {
		Warning, "no class with less memory is chosen for clusters with a parameter group of your own",
	},
	"application-autoscaling:DescribeScalableTargets": {
		Warning, "Aurora Auto Scaling is only recognized by the names of its readers",
	},
	"pricing:GetProducts": {Warning, "only the prices of the policy and of --prices-file are known"},
}

// checkReads judges each permission to read. A call with another identity than the operator's proves nothing about the operator: then the
// simulation of the operator's role decides, if there is one.
func (r *report) checkReads(in Input) {
	for _, read := range in.Reads {
		isOperator := in.Access.IsOperator()
		decision := in.Permissions.decision(read.Action, anyResource)
		byOperator := in.Permissions.OfOperator && !isOperator && decision != ""
		if read.Action == "pricing:GetProducts" && in.Access.RoleARN != "" { // the operator reads prices with its own identity
			isOperator, byOperator = false, false
		}
		if byOperator {
			r.addSimulatedRead(read.Action, decision)
		} else {
			r.addRead(read, isOperator)
		}
	}
}

func grantRead(action string) string {
	return "Add " + action + " to the statement Read of the role, as in config/iam/policy.json."
}

// addSimulatedRead adds the result of the simulation of a read by the operator.
func (r *report) addSimulatedRead(action, decision string) {
	if decision == allowed {
		r.ok(checkRead, action, "allowed to the operator, by simulation")
		return
	}
	without := withoutRead[action]
	r.add(without.status, checkRead, action, "denied to the operator, by simulation, so that "+without.effect, grantRead(action))
}

// addRead adds the result of a read that the check made.
func (r *report) addRead(read Read, isOperator bool) {
	without := withoutRead[read.Action]
	switch {
	case read.Error == "" && isOperator:
		r.ok(checkRead, read.Action, "allowed")
	case read.Error == "":
		r.ok(checkRead, read.Action, "allowed to you")
	case read.Denied && isOperator:
		r.add(without.status, checkRead, read.Action, "denied, so that "+without.effect+": "+read.Error, grantRead(read.Action))
	case read.Denied:
		r.add(Unknown, checkRead, read.Action, "denied to you; whether the operator may is not known: "+read.Error,
			"Run the check with --operator-role, or as a user who may read.")
	default:
		r.add(Unknown, checkRead, read.Action, "AWS did not answer: "+read.Error, "Check the region and the network, and run the check again.")
	}
}

// readActions are the actions of the reads.
func readActions() []string {
	var actions []string
	for action := range withoutRead {
		actions = append(actions, action)
	}
	slices.Sort(actions)
	return actions
}
