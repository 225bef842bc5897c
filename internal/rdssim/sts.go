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

// rolePattern is what an ARN of a role looks like.
var rolePattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)

// wallClock is the clock that credentials expire by: the SDK compares their expiration with the machine's time, not with
// the simulated one.
var wallClock clock.RealClock

// assumedRole is who an access key belongs to.
type assumedRole struct{ arn, sessionName string }

// sessionARN names the session as STS does. A role's path is not part of it.
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

// roleUniqueID is the unique id of every role.
const roleUniqueID = "AROASIMULATED"

// How long credentials last, in seconds (STS API reference, AssumeRole).
const (
	minSessionSeconds, maxSessionSeconds, defaultSessionSeconds = 900, 43200, 3600
)

// handleSTS carries out an operation of STS (API version 2011-06-15).
func (s *Server) handleSTS(r *request) (any, *model.APIError) {
	switch r.operation {
	case "GetCallerIdentity":
		return &callerIdentityResult{Arn: r.caller.arn, UserID: roleUniqueID + ":" + r.caller.sessionName, Account: r.caller.account}, nil
	case "AssumeRole", "AssumeRoleWithWebIdentity":
		return s.assumeRole(r)
	}
	return nil, invalidAction(r.operation)
}

// assumeRole gives out an access key by which the role is known afterwards. Trust policies and web identity tokens are not
// looked at; Options.DeniedRoles refuses roles by name.
func (s *Server) assumeRole(r *request) (any, *model.APIError) {
	role := assumedRole{r.form.Get("RoleArn"), r.form.Get("RoleSessionName")}
	seconds := defaultSessionSeconds
	if n, failed := r.form.optionalInt("DurationSeconds"); failed != nil {
		return nil, failed
	} else if n != nil {
		seconds = *n
	}
	switch {
	case !rolePattern.MatchString(role.arn):
		return nil, invalidRoleRequest("%s is invalid: want the ARN of a role", role.arn)
	case role.sessionName == "":
		return nil, invalidRoleRequest("The request must contain the parameter RoleSessionName")
	case seconds < minSessionSeconds || seconds > maxSessionSeconds:
		return nil, invalidRoleRequest("DurationSeconds must be from %d to %d", minSessionSeconds, maxSessionSeconds)
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

func invalidRoleRequest(format string, args ...any) *model.APIError {
	return &model.APIError{Code: "ValidationError", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}
