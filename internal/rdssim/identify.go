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

// cborPrefix is the path of CloudWatch's operations in the protocol rpc-v2-cbor.
const cborPrefix = "/service/GraniteServiceVersion20100801/operation/"

// targets are what the header X-Amz-Target begins with for the services that speak JSON.
var targets = map[string]string{"AWSPriceListService": servicePricing, "AnyScaleFrontendService": serviceAutoScaling}

// maxBody bounds a request's body in bytes: GetMetricData with 500 queries stays far below.
const maxBody = 4 << 20

// scope finds the access key, region and service in an Authorization header of Signature Version 4.
var scope = regexp.MustCompile(`Credential=([^/,\s]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

// caller is who asks.
type caller struct {
	arn, account, region, session string
}

// form is a request of the Query protocol.
type form struct{ url.Values }

// protocol writes answers.
type protocol interface {
	answer(r *request, answer any)
	refuse(r *request, f *model.Fault)
}

// identify finds out who asks for what, and in which protocol.
func (s *Server) identify(out http.ResponseWriter, in *http.Request) (*request, *model.Fault) {
	r := &request{
		out: out, in: in, id: fmt.Sprintf("00000000-0000-4000-8000-%012d", s.request), protocol: queryProtocol{},
	}
	out.Header().Set("x-amzn-RequestId", r.id)
	if operation, isCBOR := strings.CutPrefix(in.URL.Path, cborPrefix); isCBOR {
		r.service, r.operation, r.protocol = serviceCloudWatch, operation, cborProtocol{}
	}
	if target, operation, _ := strings.Cut(in.Header.Get("X-Amz-Target"), "."); targets[target] != "" {
		r.service, r.operation, r.protocol = targets[target], operation, jsonProtocol{}
	}
	body, err := io.ReadAll(http.MaxBytesReader(out, in.Body, maxBody))
	if err != nil {
		return r, &model.Fault{Code: "RequestEntityTooLarge", Message: err.Error(), HTTPStatus: http.StatusRequestEntityTooLarge}
	}
	in.Body = io.NopCloser(strings.NewReader(string(body)))
	if r.operation == "" {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return r, &model.Fault{Code: "MalformedQueryString", Message: err.Error(), HTTPStatus: http.StatusBadRequest}
		}
		for key, more := range in.URL.Query() {
			values[key] = append(values[key], more...)
		}
		r.form, r.operation = form{values}, values.Get("Action")
	}
	return r, s.authenticate(r)
}

// authenticate finds the caller by the access key. The signature is not checked.
func (s *Server) authenticate(r *request) *model.Fault {
	found := scope.FindStringSubmatch(r.in.Header.Get("Authorization"))
	switch {
	case found != nil:
		r.caller.region, r.service = found[2], cmp.Or(r.service, found[3])
	case r.operation == "AssumeRoleWithWebIdentity": // it is asked for without credentials
		r.caller.region, r.service = "us-east-1", serviceSTS
		return nil
	default:
		return &model.Fault{Code: "MissingAuthenticationToken", Message: "Missing Authentication Token", HTTPStatus: http.StatusForbidden}
	}
	s.recognize(r, found[1])
	switch r.service {
	case serviceRDS, serviceCloudWatch, serviceSTS, serviceAutoScaling:
		return nil
	case servicePricing:
		return pricedFrom(r.caller.region)
	}
	return &model.Fault{Code: "InvalidAction", HTTPStatus: http.StatusBadRequest,
		Message: fmt.Sprintf("The simulator has no service %s: it has rds, monitoring (CloudWatch), sts, pricing and "+
			"application-autoscaling.", r.service)}
}

// recognize finds out whose access key it is: that of a role that was assumed, or that of the one who runs the simulator.
func (s *Server) recognize(r *request, key string) {
	role, assumed := s.roles[key]
	if !assumed {
		role = assumedRole{arn: "arn:aws:iam::" + s.options.AccountID + ":role/dbscaler", session: key}
	}
	r.caller.account, r.caller.arn, r.caller.session = accountOf(role.arn), role.sessionARN(), role.session
}

func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// flat gives the first value of each parameter.
func (f form) flat() map[string]string {
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

// items lists the prefixes prefix.1, prefix.2 and so on under which there is anything.
func (f form) items(prefix string) []string {
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
	for _, item := range f.items("Tags.Tag") {
		out[f.Get(item+"Key")] = f.Get(item + "Value")
	}
	return out
}

// pointers to what was given, nil otherwise.
func (f form) text(key string) *string {
	if !f.Has(key) {
		return nil
	}
	value := f.Get(key)
	return &value
}

func (f form) number(key string) (*int, *model.Fault) {
	if !f.Has(key) {
		return nil, nil
	}
	value, err := strconv.Atoi(f.Get(key))
	if err != nil {
		return nil, &model.Fault{Code: "InvalidParameterValue", Message: key + " must be a whole number", HTTPStatus: http.StatusBadRequest}
	}
	return &value, nil
}

// moment reads a timestamp, which is the default when it is not given.
func (f form) moment(key string, otherwise time.Time) (time.Time, *model.Fault) {
	if !f.Has(key) {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339, f.Get(key))
	if err != nil {
		return t, &model.Fault{Code: "InvalidParameterValue", HTTPStatus: http.StatusBadRequest,
			Message: key + " must be a timestamp of ISO 8601"}
	}
	return t.UTC(), nil
}

func (f form) flag(key string) bool { return f.Get(key) == "true" }
