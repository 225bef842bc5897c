package rdssim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// rolePattern matches the ARN of a role.
var rolePattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)

// wallClock gives the expiration of credentials: the SDK compares it with real time, not with simulated time.
var wallClock clock.RealClock

// assumedRole is the role and session of an access key.
type assumedRole struct{ arn, sessionName string }

// sessionARN returns the ARN of the session. As in STS it does not contain the path of the role.
func (a assumedRole) sessionARN() string {
	name := a.arn[strings.LastIndex(a.arn, "/")+1:]
	return "arn:aws:sts::" + accountFromARN(a.arn) + ":assumed-role/" + name + "/" + a.sessionName
}

type callerIdentityResult struct {
	Arn     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

type credentialsElement struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string `xml:"SecretAccessKey"`
	SessionToken    string `xml:"SessionToken"`
	Expiration      string `xml:"Expiration"`
}

type assumedRoleUser struct {
	Arn           string `xml:"Arn"`
	AssumedRoleID string `xml:"AssumedRoleId"`
}

type assumeRoleResult struct {
	Credentials     credentialsElement `xml:"Credentials"`
	AssumedRoleUser assumedRoleUser    `xml:"AssumedRoleUser"`
}

// roleUniqueID is the unique ID of all roles.
const roleUniqueID = "AROASIMULATED"

// The lifetime of credentials, in seconds (STS API reference, AssumeRole).
const (
	minSessionSeconds, maxSessionSeconds, defaultSessionSeconds = 900, 43200, 3600
)

// handleSTS executes an operation of STS (API version 2011-06-15).
func (s *Server) handleSTS(r *request) (any, *model.APIError) {
	switch r.operation {
	case "GetCallerIdentity":
		return &callerIdentityResult{Arn: r.caller.arn, UserID: roleUniqueID + ":" + r.caller.sessionName, Account: r.caller.account}, nil
	case "AssumeRole", "AssumeRoleWithWebIdentity":
		return s.assumeRole(r)
	}
	return nil, invalidAction(r.operation)
}

// assumeRole returns a new access key, which identifies the role in later requests. It checks neither trust policies nor web
// identity tokens; Options.DeniedRoles denies roles by ARN.
func (s *Server) assumeRole(r *request) (any, *model.APIError) {
	role := assumedRole{r.form.Get("RoleArn"), r.form.Get("RoleSessionName")}
	seconds := defaultSessionSeconds
	if n, apiErr := r.form.optionalInt("DurationSeconds"); apiErr != nil {
		return nil, apiErr
	} else if n != nil {
		seconds = *n
	}
	switch {
	case !rolePattern.MatchString(role.arn):
		return nil, validationError("%s is invalid: want the ARN of a role", role.arn)
	case role.sessionName == "":
		return nil, validationError("The request must contain the parameter RoleSessionName")
	case seconds < minSessionSeconds || seconds > maxSessionSeconds:
		return nil, validationError("DurationSeconds must be from %d to %d", minSessionSeconds, maxSessionSeconds)
	case slices.Contains(s.options.DeniedRoles, role.arn):
		return nil, &model.APIError{Code: "AccessDenied", HTTPStatus: http.StatusForbidden,
			Message: fmt.Sprintf("User: %s is not authorized to perform: sts:%s on resource: %s", r.caller.arn, r.operation, role.arn)}
	}
	key := fmt.Sprintf("ASIASIMULATED%07d", len(s.roles))
	s.roles[key] = role
	expires := wallClock.Now().Add(time.Duration(seconds) * time.Second)
	return &assumeRoleResult{
		Credentials:     credentialsElement{key, "simulated", "simulated", formatTime(expires)},
		AssumedRoleUser: assumedRoleUser{Arn: role.sessionARN(), AssumedRoleID: roleUniqueID + ":" + role.sessionName},
	}, nil
}
