package rdssim

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// The services, by their names in signatures.
const (
	serviceRDS        = "rds"
	serviceCloudWatch = "monitoring"
	serviceSTS        = "sts"
	serviceIAM        = "iam"
	servicePricing    = "pricing"
	// serviceAutoScaling is Application Auto Scaling, which scales the number of Aurora readers.
	serviceAutoScaling = "application-autoscaling"
	serviceSNS         = "sns"
	serviceEventBridge = "events"
)

// cborPathPrefix is the path prefix of CloudWatch operations in the protocol rpc-v2-cbor.
const cborPathPrefix = "/service/GraniteServiceVersion20100801/operation/"

// servicesByTarget maps the prefix of the header X-Amz-Target to the service, for services with the JSON protocol.
var servicesByTarget = map[string]string{
	"AWSPriceListService": servicePricing, "AnyScaleFrontendService": serviceAutoScaling, "AWSEvents": serviceEventBridge,
}

// maxBodyBytes limits the body of a request. GetMetricData with 500 queries is far smaller.
const maxBodyBytes = 4 << 20

// credentialScopePattern matches the access key, region and service in an Authorization header of Signature Version 4.
var credentialScopePattern = regexp.MustCompile(`Credential=([^/,\s]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

// caller is the identity and the region of a request.
type caller struct {
	arn, account, region, sessionName string
	// role is the ARN of the caller's role, and transitiveTags the session tags that it passes on.
	role           string
	transitiveTags map[string]string
}

// request is a parsed request.
type request struct {
	responseWriter     http.ResponseWriter
	httpRequest        *http.Request
	id                 string
	service, operation string
	caller             caller
	form               form
	protocol           protocol
	// metrics is the number of metrics that GetMetricData requests.
	metrics int
}

// form holds the parameters of the Query protocol.
type form struct{ url.Values }

// protocol encodes responses.
type protocol interface {
	writeResponse(r *request, response any)
	writeError(r *request, apiErr *model.APIError)
}

// parseRequest determines the protocol, service, operation and caller of a request.
func (s *Server) parseRequest(rw http.ResponseWriter, req *http.Request) (*request, *model.APIError) {
	r := &request{
		responseWriter: rw, httpRequest: req, id: fmt.Sprintf("00000000-0000-4000-8000-%012d", s.requestCount), protocol: queryProtocol{},
	}
	rw.Header().Set("x-amzn-RequestId", r.id)
	if operation, isCBOR := strings.CutPrefix(req.URL.Path, cborPathPrefix); isCBOR {
		r.service, r.operation, r.protocol = serviceCloudWatch, operation, cborProtocol{}
	}
	if target, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), "."); servicesByTarget[target] != "" {
		r.service, r.operation, r.protocol = servicesByTarget[target], operation, jsonProtocol{}
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, maxBodyBytes))
	if err != nil {
		return r, &model.APIError{Code: "RequestEntityTooLarge", Message: err.Error(), HTTPStatus: http.StatusRequestEntityTooLarge}
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	if r.operation == "" {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return r, badRequest("MalformedQueryString", "%v", err)
		}
		for key, queryValues := range req.URL.Query() {
			values[key] = append(values[key], queryValues...)
		}
		r.form, r.operation = form{values}, values.Get("Action")
	}
	return r, s.authenticate(r)
}

// authenticate identifies the caller by the access key. It does not verify the signature.
func (s *Server) authenticate(r *request) *model.APIError {
	match := credentialScopePattern.FindStringSubmatch(r.httpRequest.Header.Get("Authorization"))
	switch {
	case match != nil:
		r.caller.region, r.service = match[2], cmp.Or(r.service, match[3])
	case r.operation == "AssumeRoleWithWebIdentity": // has no credentials yet
		r.caller.region, r.service = "us-east-1", serviceSTS
		return nil
	default:
		return &model.APIError{Code: "MissingAuthenticationToken", Message: "Missing Authentication Token", HTTPStatus: http.StatusForbidden}
	}
	if apiErr := s.resolveCaller(r, match[1]); apiErr != nil {
		return apiErr
	}
	switch r.service {
	case serviceRDS, serviceCloudWatch, serviceSTS, serviceIAM, serviceAutoScaling, serviceSNS, serviceEventBridge:
		return nil
	case servicePricing:
		return checkPricingEndpoint(r.caller.region)
	}
	return badRequest("InvalidAction",
		"The simulator has no service %s. It has rds, monitoring (CloudWatch), sts, iam, pricing, "+
			"application-autoscaling, sns and events (EventBridge).", r.service)
}

// resolveCaller sets the caller to the assumed role of an access key, or to the default role for any other key. It fails when the key
// has expired.
func (s *Server) resolveCaller(r *request, key string) *model.APIError {
	role, assumed := s.roles[key]
	if !assumed {
		role = assumedRole{
			arn: "arn:aws:iam::" + s.options.AccountID + ":role/dbscaler", sessionName: key, transitiveTags: s.options.SessionTags,
		}
	}
	r.caller.account, r.caller.arn, r.caller.sessionName = accountFromARN(role.arn), role.sessionARN(), role.sessionName
	r.caller.role, r.caller.transitiveTags = role.arn, role.transitiveTags
	return checkExpiry(r, role)
}

// accountFromARN returns the account ID in an ARN, or an empty string.
func accountFromARN(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// parameters returns the first value of each parameter, without Action, Version and the master password.
func (f form) parameters() map[string]string {
	out := map[string]string{}
	for key, values := range f.Values {
		if len(values) > 0 && key != "Action" && key != "Version" && key != "MasterUserPassword" {
			out[key] = values[0]
		}
	}
	return out
}

// list returns the values of prefix.1, prefix.2 and so on.
func (f form) list(prefix string) []string {
	var out []string
	for n := 1; f.Has(prefix + "." + strconv.Itoa(n)); n++ {
		out = append(out, f.Get(prefix+"."+strconv.Itoa(n)))
	}
	return out
}

// itemPrefixes returns the prefixes "prefix.1.", "prefix.2." and so on that a parameter has.
func (f form) itemPrefixes(prefix string) []string {
	var out []string
	for n := 1; ; n++ {
		item := prefix + "." + strconv.Itoa(n) + "."
		found := false
		for key := range f.Values {
			found = found || strings.HasPrefix(key, item)
		}
		if !found {
			return out
		}
		out = append(out, item)
	}
}

// tags returns the tags in a request.
func (f form) tags() map[string]string {
	out := map[string]string{}
	for _, item := range f.itemPrefixes("Tags.Tag") {
		out[f.Get(item+"Key")] = f.Get(item + "Value")
	}
	return out
}

// badRequest returns an API error with status 400.
func badRequest(code, format string, args ...any) *model.APIError {
	return &model.APIError{Code: code, Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}

// optionalString returns a parameter, or nil if it is missing.
func (f form) optionalString(key string) *string {
	if !f.Has(key) {
		return nil
	}
	value := f.Get(key)
	return &value
}

// optionalInt returns an integer parameter, or nil if it is missing.
func (f form) optionalInt(key string) (*int, *model.APIError) {
	if !f.Has(key) {
		return nil, nil
	}
	value, err := strconv.Atoi(f.Get(key))
	if err != nil {
		return nil, badRequest("InvalidParameterValue", "%s must be a whole number", key)
	}
	return &value, nil
}

// timeOrDefault returns a timestamp parameter, or a default if it is missing.
func (f form) timeOrDefault(key string, defaultTime time.Time) (time.Time, *model.APIError) {
	if !f.Has(key) {
		return defaultTime, nil
	}
	t, err := time.Parse(time.RFC3339, f.Get(key))
	if err != nil {
		return t, badRequest("InvalidParameterValue", "%s must be a timestamp of ISO 8601", key)
	}
	return t.UTC(), nil
}

func (f form) isTrue(key string) bool { return f.Get(key) == "true" }
