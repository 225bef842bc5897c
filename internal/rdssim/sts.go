package rdssim

import (
	"cmp"
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
type assumedRole struct {
	arn, sessionName string
	// transitiveTags are the session tags that a session of another role inherits when this one assumes it.
	transitiveTags map[string]string
	// expiresAt is when the credentials expire, in wall-clock time; zero means never.
	expiresAt time.Time
}

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

// assumeRole returns a new access key, which identifies the role in later requests. It checks the trust policies of Options.Roles and
// Options.AssumePolicy, but no web identity tokens; Options.DeniedRoles denies roles by ARN.
func (s *Server) assumeRole(r *request) (any, *model.APIError) {
	role := assumedRole{arn: r.form.Get("RoleArn"), sessionName: r.form.Get("RoleSessionName")}
	seconds := defaultSessionSeconds
	if n, apiErr := r.form.optionalInt("DurationSeconds"); apiErr != nil {
		return nil, apiErr
	} else if n != nil {
		seconds = *n
	}
	switch {
	case !rolePattern.MatchString(role.arn):
		return nil, validationError("%s is invalid: want the ARN of a role", role.arn)
	case !sessionNamePattern.MatchString(role.sessionName):
		return nil, validationError("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must "+
			"satisfy regular expression pattern: [\\w+=,.@-]*, and have length between 2 and 64", role.sessionName)
	case seconds < minSessionSeconds || seconds > maxSessionSeconds:
		return nil, validationError("DurationSeconds must be from %d to %d", minSessionSeconds, maxSessionSeconds)
	case slices.Contains(s.options.DeniedRoles, role.arn):
		return nil, deniedRole(r, "sts:"+r.operation, role.arn)
	}
	if r.operation == "AssumeRole" {
		if apiErr := s.checkAssumeRole(r, role.arn, seconds); apiErr != nil {
			return nil, apiErr
		}
		role.transitiveTags = r.caller.transitiveTags
	}
	key := fmt.Sprintf("ASIASIMULATED%07d", len(s.roles))
	role.expiresAt = wallClock.Now().Add(time.Duration(seconds) * time.Second)
	s.roles[key] = role
	return &assumeRoleResult{
		Credentials:     credentialsElement{key, "simulated", "simulated", formatTime(role.expiresAt)},
		AssumedRoleUser: assumedRoleUser{Arn: role.sessionARN(), AssumedRoleID: roleUniqueID + ":" + role.sessionName},
	}, nil
}

// sessionNamePattern matches the names of sessions (STS API reference, AssumeRole, RoleSessionName).
var sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// chainedSessionSeconds is the maximum duration of a session that another role's session requests (IAM user guide, "Role chaining").
const chainedSessionSeconds = 3600

// checkAssumeRole checks that the caller may assume a role for that long: by the trust policy of the role, and by the caller's own
// policy. A session with transitive tags passes them on, for which both must also allow sts:TagSession (IAM user guide, "Pass session
// tags in AWS STS").
func (s *Server) checkAssumeRole(r *request, arn string, seconds int) *model.APIError {
	role, known := s.options.Roles[arn]
	maximum := cmp.Or(role.MaxSessionSeconds, defaultSessionSeconds)
	switch {
	case known && seconds > maximum:
		return validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case seconds > chainedSessionSeconds: // every caller of the simulator is a session of a role
		return validationError("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	values := tagConditions(nil, r.caller.transitiveTags)
	if r.form.Has("ExternalId") {
		values[externalIDKey] = r.form.Get("ExternalId")
	}
	actions := []string{actionAssumeRole}
	if len(r.caller.transitiveTags) > 0 {
		actions = append(actions, actionTagSession)
	}
	for _, action := range actions {
		if role.Trust != nil && !role.Trust.allows(action, r.caller.role, values) {
			return deniedRole(r, action, arn)
		}
		if s.options.AssumePolicy != nil {
			if allowed, denied := s.options.AssumePolicy.evaluate(action, arn, values); denied || !allowed {
				return deniedRole(r, action, arn)
			}
		}
	}
	return nil
}

// deniedRole is the error of AWS for an action on a role that is not allowed.
func deniedRole(r *request, action, role string) *model.APIError {
	return &model.APIError{Code: "AccessDenied", HTTPStatus: http.StatusForbidden,
		Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", r.caller.arn, action, role)}
}

// checkExpiry returns the error of AWS for a request with credentials that have expired.
func checkExpiry(r *request, role assumedRole) *model.APIError {
	if role.expiresAt.IsZero() || wallClock.Now().Before(role.expiresAt) {
		return nil
	}
	code := "ExpiredToken"
	if _, isJSON := r.protocol.(jsonProtocol); isJSON {
		code = "ExpiredTokenException"
	}
	return &model.APIError{
		Code: code, Message: "The security token included in the request is expired", HTTPStatus: http.StatusForbidden,
	}
}

// ExpireSessions lets the credentials of all assumed roles expire now.
func (s *Server) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, role := range s.roles {
		role.expiresAt = wallClock.Now()
		s.roles[key] = role
	}
}
