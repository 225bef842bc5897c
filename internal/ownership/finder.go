// Package ownership finds the objects of this Kubernetes cluster in which ACK or Crossplane declare the class of a DB
// instance. The controllers of these objects would revert the changes that the operator makes.
package ownership

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// ListInterval is how often the objects are listed, whatever the number of policies. The list also finds newly installed
	// CRDs, and objects that no longer declare a class.
	ListInterval = 3 * time.Minute
	// retryInterval is how soon they are listed again after an error.
	retryInterval = 30 * time.Second
	// listTimeout limits one list of all kinds, in real time.
	listTimeout = 10 * time.Second
	// pageSize is the number of objects per request.
	pageSize = 250
)

// Finder lists the objects and caches what they declare. It does not watch them, since their CRDs may be missing, and may
// be installed and removed at any time. It is safe for concurrent use.
type Finder struct {
	apiGroups     rest.Interface
	dynamicClient dynamic.Interface
	clock         clock.PassiveClock
	log           logr.Logger

	mu sync.Mutex
	// listedAt is when the objects were last listed. listFailed reports that some kinds could not be listed then, for
	// another reason than a missing permission.
	listedAt   time.Time
	listFailed bool
	listings   []kindListing
}

// kindListing holds the declarations of the objects of one kind.
type kindListing struct {
	resourceKind
	// declarations are from the last successful list.
	declarations []declaration
	// err is why the last list failed, or nil.
	err error
	// everListed reports that the kind was listed successfully at least once.
	everListed bool
}

// New returns a Finder that calls the API server directly, without a cache. It makes no request until Declarations is
// called.
func New(config *rest.Config, c clock.PassiveClock, log logr.Logger) (*Finder, error) {
	groups, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("building a client for API groups: %w", err)
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("building a client for the objects of ACK and Crossplane: %w", err)
	}
	f := &Finder{apiGroups: groups.RESTClient(), dynamicClient: dynamicClient, clock: c, log: log}
	for _, kind := range resourceKinds {
		f.listings = append(f.listings, kindListing{resourceKind: kind})
	}
	return f, nil
}

// Declarations returns what declares the class of an instance of a target. The text unknown names the first kind that could
// never be listed although its objects may exist, with the error; it is empty when there is none. A kind that the operator is
// not permitted to list counts as empty: the permission is optional.
func (f *Finder) Declarations(
	ctx context.Context, target scaling.Target, o scaling.Observation,
) (declarations []scaling.ClassDeclaration, unknown string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	interval := ListInterval
	if f.listFailed {
		interval = retryInterval
	}
	if f.listedAt.IsZero() || f.clock.Since(f.listedAt) >= interval {
		f.listAll(ctx)
	}
	for _, l := range f.listings {
		if l.err != nil && !l.everListed && !apierrors.IsForbidden(l.err) && unknown == "" {
			unknown = fmt.Sprintf("%s: %v", l.resource, l.err)
		}
		for _, d := range l.declarations {
			for _, i := range o.Instances {
				if d.matches(i, target.Scope.Region) {
					declarations = append(declarations, scaling.ClassDeclaration{
						Instance: i.Identifier, InstanceClass: d.instanceClass, DeclaredBy: d.declaredBy, Remedy: l.remedy,
					})
				}
			}
		}
	}
	return declarations, unknown
}

// listAll lists every kind. It keeps the declarations of a kind that cannot be listed. The caller holds f.mu.
func (f *Finder) listAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	f.listedAt, f.listFailed = f.clock.Now(), false
	versions := map[string][]string{}
	for n := range f.listings {
		l := &f.listings[n]
		declarations, err := f.listKind(ctx, l.resourceKind, versions)
		if err == nil {
			l.declarations, l.err, l.everListed = declarations, nil, true
			continue
		}
		if l.err == nil || apierrors.ReasonForError(l.err) != apierrors.ReasonForError(err) {
			f.log.Error(err, "cannot list objects that may declare the instance class of a database", "resource", l.resource.String())
		}
		l.err = err
		f.listFailed = f.listFailed || !apierrors.IsForbidden(err)
	}
}

// listKind returns what the objects of a kind declare; nothing when its CRD is not installed. The map versions caches the
// versions of each API group.
func (f *Finder) listKind(ctx context.Context, kind resourceKind, versions map[string][]string) ([]declaration, error) {
	group := kind.resource.Group
	if _, cached := versions[group]; !cached {
		groupVersions, err := f.groupVersions(ctx, group)
		if err != nil {
			return nil, err
		}
		versions[group] = groupVersions
	}
	for _, version := range versions[group] { // not every kind has the preferred version of its group
		declarations, err := f.listVersion(ctx, kind, version)
		if !apierrors.IsNotFound(err) {
			return declarations, err
		}
	}
	return nil, nil
}

// groupVersions returns the versions of an API group, the preferred one first; none when the group does not exist.
func (f *Finder) groupVersions(ctx context.Context, group string) ([]string, error) {
	var found metav1.APIGroup
	err := f.apiGroups.Get().AbsPath("/apis", group).Do(ctx).Into(&found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the versions of API group %s: %w", group, err)
	}
	versions := []string{found.PreferredVersion.Version}
	for _, v := range found.Versions {
		if !slices.Contains(versions, v.Version) {
			versions = append(versions, v.Version)
		}
	}
	return versions, nil
}

// listVersion lists the objects of a kind in all namespaces, page by page, in one version of the API.
func (f *Finder) listVersion(ctx context.Context, kind resourceKind, version string) ([]declaration, error) {
	resource := f.dynamicClient.Resource(kind.resource.WithVersion(version))
	var declarations []declaration
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := resource.List(ctx, options)
		if err != nil {
			return nil, err
		}
		for n := range page.Items {
			if d := kind.parse(&page.Items[n]); d.instanceClass != "" {
				declarations = append(declarations, d)
			}
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return declarations, nil
		}
	}
}
