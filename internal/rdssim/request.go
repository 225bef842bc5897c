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

// The services, by the names that signatures use.
const (
	serviceRDS        = "rds"
	serviceCloudWatch = "monitoring"
	serviceSTS        = "sts"
	servicePricing    = "pricing"
	// serviceAutoScaling is Application Auto Scaling, which manages the readers of Aurora.
	serviceAutoScaling = "application-autoscaling"
)

// cborPathPrefix is the path of CloudWatch's operations in the protocol rpc-v2-cbor.
const cborPathPrefix = "/service/GraniteServiceVersion20100801/operation/"

// servicesByTarget are what the header X-Amz-Target begins with for the services that speak JSON.
var servicesByTarget = map[string]string{"AWSPriceListService": servicePricing, "AnyScaleFrontendService": serviceAutoScaling}

// maxBodyBytes bounds a request's body in bytes: GetMetricData with 500 queries stays far below.
const maxBodyBytes = 4 << 20

// credentialScopePattern finds the access key, region and service in an Authorization header of Signature Version 4.
var credentialScopePattern = regexp.MustCompile(`Credential=([^/,\s]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

// caller is who asks.
type caller struct {
	arn, account, region, sessionName string
}

// form is a request of the Query protocol.
type form struct{ url.Values }

// protocol writes answers.
type protocol interface {
	writeResponse(r *request, answer any)
	writeError(r *request, f *model.APIError)
}

// parseRequest finds out who asks for what, and in which protocol.
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
			return r, &model.APIError{Code: "MalformedQueryString", Message: err.Error(), HTTPStatus: http.StatusBadRequest}
		}
		for key, more := range req.URL.Query() {
			values[key] = append(values[key], more...)
		}
		r.form, r.operation = form{values}, values.Get("Action")
	}
	return r, s.authenticate(r)
}

// authenticate finds the caller by the access key. The signature is not checked.
func (s *Server) authenticate(r *request) *model.APIError {
	match := credentialScopePattern.FindStringSubmatch(r.httpRequest.Header.Get("Authorization"))
	switch {
	case match != nil:
		r.caller.region, r.service = match[2], cmp.Or(r.service, match[3])
	case r.operation == "AssumeRoleWithWebIdentity": // it is asked for without credentials
		r.caller.region, r.service = "us-east-1", serviceSTS
		return nil
	default:
		return &model.APIError{Code: "MissingAuthenticationToken", Message: "Missing Authentication Token", HTTPStatus: http.StatusForbidden}
	}
	s.resolveCaller(r, match[1])
	switch r.service {
	case serviceRDS, serviceCloudWatch, serviceSTS, serviceAutoScaling:
		return nil
	case servicePricing:
		return checkPricingEndpoint(r.caller.region)
	}
	return &model.APIError{Code: "InvalidAction", HTTPStatus: http.StatusBadRequest,
		Message: fmt.Sprintf("The simulator has no service %s: it has rds, monitoring (CloudWatch), sts, pricing and "+
			"application-autoscaling.", r.service)}
}

// resolveCaller finds out whose access key it is: that of a role that was assumed, or that of the one who runs the simulator.
func (s *Server) resolveCaller(r *request, key string) {
	role, assumed := s.roles[key]
	if !assumed {
		role = assumedRole{arn: "arn:aws:iam::" + s.options.AccountID + ":role/dbscaler", sessionName: key}
	}
	r.caller.account, r.caller.arn, r.caller.sessionName = accountFromARN(role.arn), role.sessionARN(), role.sessionName
}

func accountFromARN(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// parameters gives the first value of each parameter.
func (f form) parameters() map[string]string {
	out := map[string]string{}
	for key, values := range f.Values {
		if len(values) > 0 && key != "Action" && key != "Version" {
			out[key] = values[0]
		}
	}
	return out
}

// list reads values under prefix.1, prefix.2 and so on.
func (f form) list(prefix string) []string {
	var out []string
	for n := 1; f.Has(prefix + "." + strconv.Itoa(n)); n++ {
		out = append(out, f.Get(prefix+"."+strconv.Itoa(n)))
	}
	return out
}

// itemPrefixes lists the prefixes prefix.1, prefix.2 and so on under which there is anything.
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

// tags reads the tags of a request.
func (f form) tags() map[string]string {
	out := map[string]string{}
	for _, item := range f.itemPrefixes("Tags.Tag") {
		out[f.Get(item+"Key")] = f.Get(item + "Value")
	}
	return out
}

// pointers to what was given, nil otherwise.
func (f form) optionalString(key string) *string {
	if !f.Has(key) {
		return nil
	}
	value := f.Get(key)
	return &value
}

func (f form) optionalInt(key string) (*int, *model.APIError) {
	if !f.Has(key) {
		return nil, nil
	}
	value, err := strconv.Atoi(f.Get(key))
	if err != nil {
		return nil, &model.APIError{Code: "InvalidParameterValue", Message: key + " must be a whole number", HTTPStatus: http.StatusBadRequest}
	}
	return &value, nil
}

// timeOrDefault reads a timestamp, which is the default when it is not given.
func (f form) timeOrDefault(key string, defaultTime time.Time) (time.Time, *model.APIError) {
	if !f.Has(key) {
		return defaultTime, nil
	}
	t, err := time.Parse(time.RFC3339, f.Get(key))
	if err != nil {
		return t, &model.APIError{Code: "InvalidParameterValue", HTTPStatus: http.StatusBadRequest,
			Message: key + " must be a timestamp of ISO 8601"}
	}
	return t.UTC(), nil
}

func (f form) isTrue(key string) bool { return f.Get(key) == "true" }
