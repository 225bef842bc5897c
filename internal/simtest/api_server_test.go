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
)

// apiServer is the API server: it has every version of every policy, so that a cache can lag behind. It is a tenth of the work of
// controller-runtime's fake client, which would make half of a play.
type apiServer struct {
	client.Client // everything that the operator does not use
	sim           *simulation
	versions      map[types.NamespacedName][]policyVersion
	revision      int
}

// policyVersion is a policy as it was from a moment on; nil when it was gone.
type policyVersion struct {
	validFrom time.Time
	policy    *v1alpha1.DBScalingPolicy
}

func newAPIServer(s *simulation, policies []*v1alpha1.DBScalingPolicy) *apiServer {
	st := &apiServer{sim: s, versions: map[types.NamespacedName][]policyVersion{}}
	for _, p := range policies {
		st.store(p)
	}
	return st
}

// current is a policy as it is now, which must not be changed, or nil when it is gone.
func (st *apiServer) current(key types.NamespacedName) *v1alpha1.DBScalingPolicy {
	all := st.versions[key]
	return all[len(all)-1].policy
}

// store stores a new version of a policy. One that is being deleted and that nothing holds is gone.
func (st *apiServer) store(p *v1alpha1.DBScalingPolicy) {
	st.revision++
	p.ResourceVersion = strconv.Itoa(st.revision)
	key := client.ObjectKeyFromObject(p)
	v := policyVersion{st.sim.now, p}
	if !p.DeletionTimestamp.IsZero() && len(p.Finalizers) == 0 {
		v.policy = nil
	}
	st.versions[key] = append(st.versions[key], v)
}

// patch writes what the operator may write: the status, or the finalizers. What the client sends is the difference from what it
// has read, with the version of that; as long as the version is the same, that comes to what it has.
func (st *apiServer) patch(from *v1alpha1.DBScalingPolicy, change func(stored *v1alpha1.DBScalingPolicy) error) error {
	key := client.ObjectKeyFromObject(from)
	stored := st.current(key)
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
	st.store(stored)
	stored.DeepCopyInto(from)
	return nil
}

// roundTrip sends a status over the wire and back, which leaves times with whole seconds.
func roundTrip(in v1alpha1.DBScalingPolicyStatus) (out v1alpha1.DBScalingPolicyStatus, err error) {
	text, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// at is a policy as it was at a moment, or nil.
func (st *apiServer) at(key types.NamespacedName, moment time.Time) *v1alpha1.DBScalingPolicy {
	all := st.versions[key]
	for n := len(all) - 1; n >= 0; n-- {
		if !all[n].validFrom.After(moment) {
			return all[n].policy
		}
	}
	return all[0].policy
}

// update changes a policy as a person or another controller does. A new spec is a new generation.
func (st *apiServer) update(key types.NamespacedName, change func(*v1alpha1.DBScalingPolicy)) {
	before := st.current(key)
	if before == nil {
		return
	}
	p := before.DeepCopy()
	change(p)
	if !equality.Semantic.DeepEqual(before.Spec, p.Spec) {
		p.Generation++
	}
	st.store(p)
	st.sim.requeueSoon(key)
}

// delete deletes a policy as kubectl does.
func (st *apiServer) delete(key types.NamespacedName) {
	st.update(key, func(p *v1alpha1.DBScalingPolicy) { p.DeletionTimestamp = ptr.To(metav1.NewTime(st.sim.now)) })
}

// cachedClient is what a manager reads with: a cache that lags behind, and writes that may fail or be the last thing it does.
type cachedClient struct {
	client.Client // what the operator does not use
	manager       *manager
}

// advanceCache is the moment that the manager's cache shows. It never goes back.
func (m *manager) advanceCache() time.Time {
	if moment := m.sim.now.Add(-m.cacheLag); moment.After(m.cacheTime) {
		m.cacheTime = moment
	}
	return m.cacheTime
}

// Get implements client.Reader.
func (r cachedClient) Get(_ context.Context, key types.NamespacedName, into client.Object, _ ...client.GetOption) error {
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
			return r.Value != ref.Region+"|"+ref.RoleARN
		case "target":
			return r.Value != ref.Region+"|"+string(ref.Kind)+"|"+ref.Identifier
		}
		return true
	})
}

// Patch implements client.Writer: only finalizers are the operator's to change.
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
	client.SubResourceWriter // what the operator does not use
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

// writeObject is one request to the API server that changes something.
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
		m.sim.logf("the API server does not answer %s", m.name)
		return apierrors.NewInternalError(errors.New("etcdserver: request timed out"))
	}
	if err := m.sim.api.patch(policy, change(policy)); err != nil {
		return err
	}
	m.sim.recordWrite(key)
	if m.sim.chance(m.sim.plan.faultRates.apiAnswerLost) {
		m.sim.logf("the API server's answer to %s is lost", m.name)
		return apierrors.NewTimeoutError("the answer was lost", 1)
	}
	m.injectFaults("after writing " + key.Name)
	return nil
}

// uncachedReader reads past the cache.
type uncachedReader struct {
	client.Reader // what the operator does not use
	api           *apiServer
}

// List implements client.Reader.
func (l uncachedReader) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	list, ok := into.(*v1alpha1.DBScalingPolicyList)
	if !ok {
		return errors.New("only policies are stored")
	}
	for _, key := range l.api.sim.keys {
		if p := l.api.current(key); p != nil {
			list.Items = append(list.Items, *p.DeepCopy())
		}
	}
	return nil
}
