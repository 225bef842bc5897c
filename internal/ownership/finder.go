// Package owners finds the objects of this cluster in which ACK or Crossplane declare the class of a DB instance: their
// controllers would change back what the operator changes.
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
	// ListInterval is how often the objects are listed, whatever the number of policies. A CRD that was installed meanwhile is found
	// then, and so is an object that was told to leave the class alone.
	ListInterval = 3 * time.Minute
	// retryInterval is how long after an error they are listed again.
	retryInterval = 30 * time.Second
	// listTimeout bounds the listing, in the machine's time.
	listTimeout = 10 * time.Second
	// pageSize is how many objects are asked for at once.
	pageSize = 250
)

// Finder lists the objects and remembers them for a time. It watches nothing: the CRDs may not be there, and come and go. It
// is safe for concurrent use.
type Finder struct {
	apiGroups     rest.Interface
	dynamicClient dynamic.Interface
	clock         clock.PassiveClock
	log           logr.Logger

	mu sync.Mutex
	// listedAt is when the objects were last listed, and failed says that some could not be.
	listedAt   time.Time
	listFailed bool
	listings   []kindListing
}

// kindListing is what is known of the objects of one kind.
type kindListing struct {
	resourceKind
	declarations []declaration
	// err is why they could not be listed the last time, or nil. What was known before then stands.
	err error
	// everListed says whether they could ever be listed.
	everListed bool
}

// New makes a Finder that asks the API server itself, past any cache. Nothing is asked of it until Claims is called.
func New(config *rest.Config, c clock.PassiveClock, log logr.Logger) (*Finder, error) {
	groups, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("building a client for API groups: %w", err)
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("building a client for the objects of ACK and Crossplane: %w", err)
	}
	f := &Finder{apiGroups: groups.RESTClient(), dynamicClient: objects, clock: c, log: log}
	for _, k := range resourceKinds {
		f.listings = append(f.listings, kindListing{resourceKind: k})
	}
	return f, nil
}

// Declarations lists what declares the class of an instance of a target. The text says which objects could not be listed although
// they may be there, or is empty: nobody knows then what they declare. Those that the operator may not list are left out of
// both: it was not given the permission, or had it taken.
func (f *Finder) Declarations(ctx context.Context, target scaling.Target, o scaling.Observation) (claims []scaling.ClassDeclaration, unknown string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	every := ListInterval
	if f.listFailed {
		every = retryInterval
	}
	if f.listedAt.IsZero() || f.clock.Since(f.listedAt) >= every {
		f.listAll(ctx)
	}
	for _, l := range f.listings {
		if l.err != nil && !l.everListed && !apierrors.IsForbidden(l.err) && unknown == "" {
			unknown = fmt.Sprintf("%s: %v", l.resource, l.err)
		}
		for _, d := range l.declarations {
			for _, i := range o.Instances {
				if d.matches(i, target.Scope.Region) {
					claims = append(claims, scaling.ClassDeclaration{Instance: i.Identifier, InstanceClass: d.instanceClass, DeclaredBy: d.declaredBy, Remedy: l.remedy})
				}
			}
		}
	}
	return claims, unknown
}

// listAll brings every kind up to date. The caller holds f.mu.
func (f *Finder) listAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	f.listedAt, f.listFailed = f.clock.Now(), false
	versions := map[string][]string{}
	for n := range f.listings {
		l := &f.listings[n]
		declared, err := f.listKind(ctx, l.resourceKind, versions)
		if err == nil {
			l.declarations, l.err, l.everListed = declared, nil, true
			continue
		}
		if l.err == nil || apierrors.ReasonForError(l.err) != apierrors.ReasonForError(err) {
			f.log.Error(err, "objects that may declare the class of a database cannot be listed", "resource", l.resource.String())
		}
		l.err = err
		f.listFailed = f.listFailed || !apierrors.IsForbidden(err)
	}
}

// listKind lists what the objects of a kind declare; nothing when its CRD is not there. Which versions a group has is asked
// once.
func (f *Finder) listKind(ctx context.Context, k resourceKind, versions map[string][]string) ([]declaration, error) {
	group := k.resource.Group
	if _, asked := versions[group]; !asked {
		var err error
		if versions[group], err = f.groupVersions(ctx, group); err != nil {
			delete(versions, group)
			return nil, err
		}
	}
	for _, version := range versions[group] { // a group's preferred version need not be one of every kind
		out, err := f.listVersion(ctx, k, version)
		if !apierrors.IsNotFound(err) {
			return out, err
		}
	}
	return nil, nil
}

// groupVersions lists the versions of an API group, the preferred one first; none when there is no such group.
func (f *Finder) groupVersions(ctx context.Context, group string) ([]string, error) {
	var found metav1.APIGroup
	err := f.apiGroups.Get().AbsPath("/apis", group).Do(ctx).Into(&found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the versions of %s: %w", group, err)
	}
	out := []string{found.PreferredVersion.Version}
	for _, v := range found.Versions {
		if !slices.Contains(out, v.Version) {
			out = append(out, v.Version)
		}
	}
	return out, nil
}

// listVersion reads all pages of a kind's objects in all namespaces.
func (f *Finder) listVersion(ctx context.Context, k resourceKind, version string) ([]declaration, error) {
	resource := f.dynamicClient.Resource(k.resource.WithVersion(version))
	var out []declaration
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := resource.List(ctx, options)
		if err != nil {
			return nil, err
		}
		for n := range page.Items {
			if d := k.parse(&page.Items[n]); d.instanceClass != "" {
				out = append(out, d)
			}
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return out, nil
		}
	}
}
