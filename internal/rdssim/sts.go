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

// machine is the clock that credentials expire by: the SDK compares their expiration with the machine's time, not with
// the simulated one.
var machine clock.RealClock

// assumedRole is who an access key belongs to.
type assumedRole struct{ arn, session string }

// sessionARN names the session as STS does. A role's path is not part of it.
func (a assumedRole) sessionARN() string {
	name := a.arn[strings.LastIndex(a.arn, "/")+1:]
	return "arn:aws:sts::" + accountOf(a.arn) + ":assumed-role/" + name + "/" + a.session
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

// userID is the unique id of every role.
const userID = "AROASIMULATED"

// How long credentials last, in seconds (STS API reference, AssumeRole).
const (
	leastDuration, mostDuration, defaultDuration = 900, 43200, 3600
)

// sts carries out an operation of STS (API version 2011-06-15).
func (s *Server) sts(r *request) (any, *model.Fault) {
	switch r.operation {
	case "GetCallerIdentity":
		return &callerIdentityResult{Arn: r.caller.arn, UserID: userID + ":" + r.caller.session, Account: r.caller.account}, nil
	case "AssumeRole", "AssumeRoleWithWebIdentity":
		return s.assumeRole(r)
	}
	return nil, invalidAction(r.operation)
}

// assumeRole gives out an access key by which the role is known afterwards. Trust policies and web identity tokens are not
// looked at; Options.DenyRoles refuses roles by name.
func (s *Server) assumeRole(r *request) (any, *model.Fault) {
	role := assumedRole{r.form.Get("RoleArn"), r.form.Get("RoleSessionName")}
	seconds := defaultDuration
	if n, failed := r.form.number("DurationSeconds"); failed != nil {
		return nil, failed
	} else if n != nil {
		seconds = *n
	}
	switch {
	case !rolePattern.MatchString(role.arn):
		return nil, invalidRole("%s is invalid: want the ARN of a role", role.arn)
	case role.session == "":
		return nil, invalidRole("The request must contain the parameter RoleSessionName")
	case seconds < leastDuration || seconds > mostDuration:
		return nil, invalidRole("DurationSeconds must be from %d to %d", leastDuration, mostDuration)
	case slices.Contains(s.options.DenyRoles, role.arn):
		return nil, &model.Fault{Code: "AccessDenied", HTTPStatus: http.StatusForbidden,
			Message: fmt.Sprintf("User: %s is not authorized to perform: sts:%s on resource: %s", r.caller.arn, r.operation, role.arn)}
	}
	key := fmt.Sprintf("ASIASIMULATED%07d", len(s.roles))
	s.roles[key] = role
	expires := machine.Now().Add(time.Duration(seconds) * time.Second)
	return &assumeRoleResult{
		Credentials:     credentialsElement{key, "simulated", "simulated", stamp(expires)},
		AssumedRoleUser: assumedRoleUser{Arn: role.sessionARN(), AssumedRoleID: userID + ":" + role.session},
	}, nil
}

func invalidRole(format string, args ...any) *model.Fault {
	return &model.Fault{Code: "ValidationError", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}
