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

// sts carries out an operation of STS (API version 2011-06-15).
func (s *Server) sts(r *request) (any, *model.Fault) {
	switch r.operation {
	case "GetCallerIdentity":
		return &callerIdentityResult{Arn: r.caller.arn, UserID: "AROASIMULATED", Account: r.caller.account}, nil
	case "AssumeRole", "AssumeRoleWithWebIdentity":
		return s.assumeRole(r)
	}
	return nil, invalidAction(r.operation)
}

// assumeRole gives out an access key by which the role is known afterwards.
func (s *Server) assumeRole(r *request) (any, *model.Fault) {
	role := r.form.Get("RoleArn")
	if !rolePattern.MatchString(role) {
		return nil, &model.Fault{Code: "ValidationError", Message: role + " is invalid", HTTPStatus: http.StatusBadRequest}
	}
	if slices.Contains(s.options.DenyRoles, role) {
		return nil, &model.Fault{Code: "AccessDenied", HTTPStatus: http.StatusForbidden,
			Message: fmt.Sprintf("User: %s is not authorized to perform: sts:%s on resource: %s", r.caller.arn, r.operation, role)}
	}
	key := fmt.Sprintf("ASIASIMULATED%07d", len(s.roles))
	s.roles[key] = role
	session := r.form.Get("RoleSessionName")
	return &assumeRoleResult{
		Credentials: credentialsElement{key, "simulated", "simulated", stamp(machine.Now().Add(time.Hour))},
		AssumedRoleUser: assumedRoleUser{
			Arn:           strings.Replace(strings.Replace(role, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/" + session,
			AssumedRoleID: "AROASIMULATED:" + session,
		},
	}, nil
}
