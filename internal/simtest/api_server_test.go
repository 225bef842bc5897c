package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// apiServer is a fake API server. It keeps every version of every policy, so that caches can lag behind. It takes a tenth of the time of
// controller-runtime's fake client, which would take half of a run.
type apiServer struct {
	client.Client // methods that the operator does not use
	sim           *simulation
	versions      map[types.NamespacedName][]policyVersion
	revision      int
}

// policyVersion is a policy from a time on; nil when it was deleted.
type policyVersion struct {
	validFrom time.Time
	policy    *v1alpha1.DBScalingPolicy
}

func newAPIServer(s *simulation, policies []*v1alpha1.DBScalingPolicy) *apiServer {
	a := &apiServer{sim: s, versions: map[types.NamespacedName][]policyVersion{}}
	for _, p := range policies {
		a.store(p)
	}
	return a
}

// current returns the current version of a policy, which must not be modified, or nil when it was deleted.
func (a *apiServer) current(key types.NamespacedName) *v1alpha1.DBScalingPolicy {
	all := a.versions[key]
	return all[len(all)-1].policy
}

// store stores a new version of a policy. A policy that is being deleted and has no finalizer is deleted.
func (a *apiServer) store(p *v1alpha1.DBScalingPolicy) {
	a.revision++
	p.ResourceVersion = strconv.Itoa(a.revision)
	key := client.ObjectKeyFromObject(p)
	v := policyVersion{a.sim.now, p}
	if !p.DeletionTimestamp.IsZero() && len(p.Finalizers) == 0 {
		v.policy = nil
	}
	a.versions[key] = append(a.versions[key], v)
}

// patch applies a write of the operator to the status or the finalizers. A client sends the difference from the version that it has
// read. With an optimistic lock, replacing the whole field has the same result.
func (a *apiServer) patch(from *v1alpha1.DBScalingPolicy, change func(stored *v1alpha1.DBScalingPolicy) error) error {
	key := client.ObjectKeyFromObject(from)
	stored := a.current(key)
	resource := v1alpha1.GroupVersion.WithResource("dbscalingpolicies").GroupResource()
	switch {
	case stored == nil:
		return apierrors.NewNotFound(resource, key.Name)
	case stored.ResourceVersion != from.ResourceVersion:
		return apierrors.NewConflict(resource, key.Name, errors.New("the object has been modified"))
	}
	stored = stored.DeepCopy()
	if err := change(stored); err != nil {
		return err
	}
	a.store(stored)
	stored.DeepCopyInto(from)
	return nil
}

// roundTrip encodes and decodes a status, which truncates times to whole seconds.
func roundTrip(in v1alpha1.DBScalingPolicyStatus) (out v1alpha1.DBScalingPolicyStatus, err error) {
	text, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// at returns the version of a policy at a time, or nil.
func (a *apiServer) at(key types.NamespacedName, t time.Time) *v1alpha1.DBScalingPolicy {
	all := a.versions[key]
	for n := len(all) - 1; n >= 0; n-- {
		if !all[n].validFrom.After(t) {
			return all[n].policy
		}
	}
	return all[0].policy
}

// update changes a policy as a user or another controller does. A new spec increments the generation.
func (a *apiServer) update(key types.NamespacedName, change func(*v1alpha1.DBScalingPolicy)) {
	before := a.current(key)
	if before == nil {
		return
	}
	p := before.DeepCopy()
	change(p)
	if !equality.Semantic.DeepEqual(before.Spec, p.Spec) {
		p.Generation++
	}
	a.store(p)
	a.sim.requeueSoon(key)
}

// delete deletes a policy as kubectl does.
func (a *apiServer) delete(key types.NamespacedName) {
	a.update(key, func(p *v1alpha1.DBScalingPolicy) { p.DeletionTimestamp = ptr.To(metav1.NewTime(a.sim.now)) })
}

// cachedClient is the client of a manager: its cache lags behind, and its writes may fail or end in a crash.
type cachedClient struct {
	client.Client // methods that the operator does not use
	manager       *manager
}

// advanceCache advances the cache and returns its time, which never goes back.
func (m *manager) advanceCache() time.Time {
	if t := m.sim.now.Add(-m.cacheLag); t.After(m.cacheTime) {
		m.cacheTime = t
	}
	return m.cacheTime
}

// Get implements client.Reader.
func (r cachedClient) Get(_ context.Context, key types.NamespacedName, into client.Object, _ ...client.GetOption) error {
	switch o := into.(type) {
	case *v1alpha1.AWSAccount: // each stands for the operator's own identity, and every namespace may use it
		o.Name, o.Spec.NamespaceSelector = key.Name, &metav1.LabelSelector{}
		return nil
	case *metav1.PartialObjectMetadata: // the namespace
		o.Name = key.Name
		return nil
	}
	p := r.manager.sim.api.at(key, r.manager.advanceCache())
	if p == nil {
		return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("dbscalingpolicies").GroupResource(), key.Name)
	}
	policy, ok := into.(*v1alpha1.DBScalingPolicy)
	if !ok {
		return errors.New("only policies are cached")
	}
	p.DeepCopyInto(policy)
	return nil
}

// List implements client.Reader with the indexes of the manager's cache.
func (r cachedClient) List(_ context.Context, into client.ObjectList, opts ...client.ListOption) error {
	list, ok := into.(*v1alpha1.DBScalingPolicyList)
	if !ok {
		return errors.New("only policies are cached")
	}
	var options client.ListOptions
	options.ApplyOptions(opts)
	for _, key := range r.manager.sim.keys {
		p := r.manager.sim.api.at(key, r.manager.advanceCache())
		if p != nil && matchesIndex(p, options) {
			list.Items = append(list.Items, *p)
		}
	}
	return nil
}

func matchesIndex(p *v1alpha1.DBScalingPolicy, options client.ListOptions) bool {
	if options.FieldSelector == nil {
		return true
	}
	ref := p.Spec.TargetRef
	return !slices.ContainsFunc(options.FieldSelector.Requirements(), func(r fields.Requirement) bool {
		switch r.Field {
		case "scope":
			return r.Value != ref.Region+"|"+ref.AccountRef.Name
		case "target":
			return r.Value != ref.Region+"|"+string(ref.Kind)+"|"+ref.Identifier
		case "fleet":
			return !convert.CountsInFleet(p)
		}
		return true
	})
}

// Patch implements client.Writer. The operator may change only finalizers.
func (r cachedClient) Patch(_ context.Context, o client.Object, _ client.Patch, _ ...client.PatchOption) error {
	return r.manager.writeObject(o, func(p *v1alpha1.DBScalingPolicy) func(*v1alpha1.DBScalingPolicy) error {
		return func(stored *v1alpha1.DBScalingPolicy) error {
			stored.Finalizers = slices.Clone(p.Finalizers)
			return nil
		}
	})
}

// Status implements client.StatusClient.
func (r cachedClient) Status() client.SubResourceWriter { return statusWriter{manager: r.manager} }

type statusWriter struct {
	client.SubResourceWriter // methods that the operator does not use
	manager                  *manager
}

// Patch implements client.SubResourceWriter.
func (w statusWriter) Patch(_ context.Context, o client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	return w.manager.writeObject(o, func(p *v1alpha1.DBScalingPolicy) func(*v1alpha1.DBScalingPolicy) error {
		return func(stored *v1alpha1.DBScalingPolicy) (err error) {
			stored.Status, err = roundTrip(p.Status)
			return err
		}
	})
}

// writeObject is one write request to the API server.
func (m *manager) writeObject(o client.Object, change func(*v1alpha1.DBScalingPolicy) func(*v1alpha1.DBScalingPolicy) error) error {
	policy, ok := o.(*v1alpha1.DBScalingPolicy)
	if !ok {
		return errors.New("only policies are written")
	}
	key := client.ObjectKeyFromObject(o)
	m.injectFaults("before writing " + key.Name)
	if m.sim.now.Before(m.sim.writeConflictsUntil[key]) && m.sim.chance(0.5) {
		m.sim.api.update(key, func(p *v1alpha1.DBScalingPolicy) {
			p.Labels = map[string]string{"touched": m.sim.now.Format("150405.000")}
		})
	}
	if m.sim.chance(m.sim.plan.faultRates.apiFails) {
		m.sim.logf("the API server does not respond to %s", m.name)
		return apierrors.NewInternalError(errors.New("etcdserver: request timed out"))
	}
	if err := m.sim.api.patch(policy, change(policy)); err != nil {
		return err
	}
	m.sim.recordWrite(key)
	if m.sim.chance(m.sim.plan.faultRates.apiAnswerLost) {
		m.sim.logf("the response of the API server to %s is lost", m.name)
		return apierrors.NewTimeoutError("the response was lost", 1)
	}
	m.injectFaults("after writing " + key.Name)
	return nil
}

// uncachedReader reads directly from the API server.
type uncachedReader struct {
	client.Reader // methods that the operator does not use
	api           *apiServer
}

// List implements client.Reader with the selectable fields of the CRD.
func (l uncachedReader) List(_ context.Context, into client.ObjectList, opts ...client.ListOption) error {
	list, ok := into.(*v1alpha1.DBScalingPolicyList)
	if !ok {
		return errors.New("only policies are stored")
	}
	options := client.ListOptions{FieldSelector: fields.Everything()}
	options.ApplyOptions(opts)
	for _, key := range l.api.sim.keys {
		if p := l.api.current(key); p != nil && options.FieldSelector.Matches(selectableFields(p)) {
			list.Items = append(list.Items, *p.DeepCopy())
		}
	}
	return nil
}

// selectableFields returns the fields of a policy by which the API server selects. One that is missing is empty.
func selectableFields(p *v1alpha1.DBScalingPolicy) fields.Set {
	ref := p.Spec.TargetRef
	out := fields.Set{
		"spec.targetRef.identifier": ref.Identifier, "spec.targetRef.kind": string(ref.Kind), "spec.targetRef.region": ref.Region,
		"status.operation.id": "",
	}
	if op := p.Status.Operation; op != nil {
		out["status.operation.id"] = op.ID
	}
	return out
}
