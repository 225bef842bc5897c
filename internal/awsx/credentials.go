package awsx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// readSessionName is what CloudTrail shows for reads through an assumed role, which many policies share.
	readSessionName = "dbscaler"
	// maxSessionName is the maximum length of a session name, whose characters are [\w+=,.@-] (STS API reference, AssumeRole).
	maxSessionName = 64
	// sessionDuration is how long the credentials of an assumed role are valid. Every role allows it: the maximum session duration of a
	// role is at least one hour (IAM API reference, CreateRole, MaxSessionDuration). It is the maximum where one role assumes another,
	// as it does with IRSA and EKS Pod Identity (IAM user guide, "Role chaining").
	sessionDuration = time.Hour
	// expiryWindow is how long before their end credentials are replaced, so that none expire under a request, and expiryJitter the
	// part of it that is random, so that not all are replaced at once.
	expiryWindow, expiryJitter = 5 * time.Minute, 0.5
	// maxPolicySessions is the number of policies whose credentials are kept in one scope. Above it, the one that has been unused for
	// longest is dropped.
	maxPolicySessions = 64
)

// policySessionName is the session name of the changes that a policy makes: dbscaler-<namespace>.<name>. A namespace contains no dot,
// so that no two policies share a name. A name that is too long is cut, and ends with a hash of the whole.
func policySessionName(policy string) string {
	name := readSessionName + "-" + strings.Replace(policy, "/", ".", 1)
	if len(name) <= maxSessionName {
		return name
	}
	sum := sha256.Sum256([]byte(policy))
	hash := "-" + hex.EncodeToString(sum[:5])
	return name[:maxSessionName-len(hash)] + hash
}

// assumeRole returns credentials of the role of a scope, for a session of that name. No request is made before they are used.
func (f *sdkClientFactory) assumeRole(scope scaling.Scope, sessionName string) *aws.CredentialsCache {
	cfg := f.config.Copy()
	if cfg.Region == "" { // the operator has no home region
		cfg.Region = scope.Region
	}
	// The home region is known to be reachable, and enabled in the operator's account. The region of the scope may be neither.
	client := sts.NewFromConfig(cfg, func(o *sts.Options) { overrideEndpoint(&o.BaseEndpoint, f.endpoint) })
	provider := stscreds.NewAssumeRoleProvider(client, scope.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = sessionName, sessionDuration
		if scope.ExternalID != "" {
			o.ExternalID = aws.String(scope.ExternalID)
		}
	})
	return aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow, o.ExpiryWindowJitterFrac = expiryWindow, expiryJitter
	})
}

// withRole returns a configuration that uses the role of a scope.
func (f *sdkClientFactory) withRole(cfg aws.Config, scope scaling.Scope, sessionName string) aws.Config {
	cfg = cfg.Copy()
	cache := f.assumeRole(scope, sessionName)
	cfg.Credentials = credentialsProvider{cache}
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), expiredTokens{cache}.addTo)
	return cfg
}

// expiredTokenCodes are the error codes of AWS for credentials that have expired.
var expiredTokenCodes = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}

// expiredTokens discards the credentials of a role when AWS says that they have expired, for example because the local clock is slow.
type expiredTokens struct{ cache *aws.CredentialsCache }

// addTo adds it to the middleware of a client.
func (e expiredTokens) addTo(stack *middleware.Stack) error {
	return stack.Deserialize.Add(e, middleware.Before)
}

// ID implements middleware.DeserializeMiddleware.
func (expiredTokens) ID() string { return "dbscaler:ExpiredTokens" }

// HandleDeserialize implements middleware.DeserializeMiddleware.
func (e expiredTokens) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	var apiErr smithy.APIError
	if errors.As(err, &apiErr) && slices.Contains(expiredTokenCodes, apiErr.ErrorCode()) {
		e.cache.Invalidate()
	}
	return out, metadata, err
}

// policyWriters are the clients with which policies change databases of one scope, each in a session with the name of the policy.
type policyWriters struct {
	// shared is the client of the calls that no session of a policy makes. Only get returns it, so that no other code can choose it.
	shared rdsWriteAPI
	clock  clock.PassiveClock
	// newWriter is nil for the operator's own identity: the platform then names the session (IRSA or EKS Pod Identity), so that all
	// policies share one client.
	newWriter func(sessionName string) rdsWriteAPI

	mu      sync.Mutex
	writers map[string]*policyWriter
}

type policyWriter struct {
	api        rdsWriteAPI
	lastUsedAt time.Time
}

// get returns the client of a policy. It drops the clients that were not used for idleRetention.
func (w *policyWriters) get(policy string) rdsWriteAPI {
	if w.newWriter == nil || policy == "" {
		return w.shared
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock.Now()
	maps.DeleteFunc(w.writers, func(_ string, writer *policyWriter) bool { return now.Sub(writer.lastUsedAt) > idleRetention })
	writer, known := w.writers[policy]
	if !known {
		if len(w.writers) >= maxPolicySessions {
			delete(w.writers, w.leastRecentlyUsed())
		}
		writer = &policyWriter{api: w.newWriter(policySessionName(policy))}
		w.writers[policy] = writer
	}
	writer.lastUsedAt = now
	return writer.api
}

// leastRecentlyUsed returns the policy whose client has been unused for longest.
func (w *policyWriters) leastRecentlyUsed() string {
	return slices.MinFunc(slices.Sorted(maps.Keys(w.writers)), func(a, b string) int {
		return w.writers[a].lastUsedAt.Compare(w.writers[b].lastUsedAt)
	})
}

// writer returns the client with which a policy changes databases. It is the only way to one.
func (c *sdkClients) writer(policy string) rdsWriteAPI { return c.policyWriters.get(policy) }
